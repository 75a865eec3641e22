"""What is measured: each case prepares its input, and returns what is timed.

    python benchmarks/speed/growth/cases.py CASE PLACES

prints one measurement as JSON. `benchmarks/speed/growth` calls it in processes, so that each has its own peak memory.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import worlds

SIZES = (256, 256, 256)
Timed = Callable[[], object]
CASES: dict[str, Callable[[int], Timed]] = {}


def case(prepare: Callable[[int], Timed]) -> Callable[[int], Timed]:
    """Register a case by its name; tables and pictures call it by its docstring."""
    CASES[prepare.__name__] = prepare
    return prepare


def fitted(tokenizer: Any, n: int, with_vectors: bool = True) -> Timed:
    """Return what fits a tokenizer for one epoch and gives all places their semantic IDs."""
    import lightning as L

    from lgsid.artefacts import Dataset, Interactions
    from lgsid.datamodules import ItemData

    items, found = worlds.places(n), worlds.vectors(n) if with_vectors else None
    log = worlds.check_ins(1).iloc[:1].assign(split="train", item_id=items.ids[0])
    data = ItemData(Dataset(items, Interactions(log)), found)
    quiet: dict[str, Any] = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", num_sanity_val_steps=0, enable_model_summary=False, **quiet)
    L.seed_everything(0, verbose=False)

    def run() -> None:
        trainer.fit(tokenizer, data, val_dataloaders=None)
        sids = tokenizer.tokenize(data.dataset, data.vectors)
        assert len(sids) == n

    return run


def residual(n: int, quantizer: Any) -> Timed:
    """Return what fits a residual tokenizer."""
    from lgsid.tokenizers import ResidualTokenizer

    return fitted(ResidualTokenizer(SIZES, quantizer), n)


@case
def hier_one_hot(n: int) -> Timed:
    """HierTokenizer, one-hot attributes."""
    from lgsid.quantizers import RQKMeans
    from lgsid.tokenizers import HierTokenizer, OneHotAttributes

    return fitted(HierTokenizer(SIZES, RQKMeans(), attributes=OneHotAttributes()), n)


@case
def hier_hashed(n: int) -> Timed:
    """HierTokenizer, hashed attributes."""
    from lgsid.quantizers import RQKMeans
    from lgsid.tokenizers import HashedAttributes, HierTokenizer

    return fitted(HierTokenizer(SIZES, RQKMeans(), attributes=HashedAttributes()), n)


@case
def hier_centroids(n: int) -> Timed:
    """HierTokenizer, learned centroids."""
    from lgsid.quantizers import ResidualCentroids
    from lgsid.tokenizers import HierTokenizer

    return fitted(HierTokenizer(SIZES, ResidualCentroids()), n)


@case
def residual_kmeans(n: int) -> Timed:
    """ResidualTokenizer, residual k-means."""
    from lgsid.quantizers import RQKMeans

    return residual(n, RQKMeans())


@case
def residual_vq(n: int) -> Timed:
    """ResidualTokenizer, ResidualVQ."""
    from lgsid.quantizers import ResidualVQ

    return residual(n, ResidualVQ())


@case
def residual_fsq(n: int) -> Timed:
    """ResidualTokenizer, ResidualFSQ."""
    from lgsid.quantizers import ResidualFSQ
    from lgsid.tokenizers import ResidualTokenizer

    return fitted(ResidualTokenizer((256, 256, 256), ResidualFSQ([4, 4, 4, 4], n_levels=3)), n)


@case
def rqvae(n: int) -> Timed:
    """ResidualTokenizer, RQ-VAE."""
    from lgsid.quantizers import RQVAE

    return residual(n, RQVAE(latent_dim=32, hidden_dims=[256]))


@case
def rqvae_counter(n: int) -> Timed:
    """RQ-VAE with CounterSuffix."""
    from lgsid.quantizers import RQVAE
    from lgsid.tokenizers import CounterSuffix, ResidualTokenizer

    return fitted(ResidualTokenizer(SIZES, RQVAE(latent_dim=32, hidden_dims=[256]), collisions=CounterSuffix()), n)


@case
def random(n: int) -> Timed:
    """RandomTokenizer."""
    from lgsid.tokenizers import RandomTokenizer

    return fitted(RandomTokenizer(SIZES), n, with_vectors=False)


@case
def plain(n: int) -> Timed:
    """PlainTokenizer."""
    from lgsid.tokenizers import PlainTokenizer

    return fitted(PlainTokenizer(), n, with_vectors=False)


@case
def nearest_free_code(n: int) -> Timed:
    """NearestFreeCode, all in one prefix."""
    from lgsid.tokenizers import NearestFreeCode

    rng = np.random.default_rng(4)
    place = rng.standard_normal((n, 16))
    centroids = [rng.standard_normal((size, 16)) for size in SIZES]

    def distances(rows: np.ndarray, codes: np.ndarray, level: int) -> np.ndarray:
        left = place[rows] - sum((centroids[below][codes[:, below]] for below in range(level)), np.zeros(16))
        return (left**2).sum(1)[:, None] - 2 * left @ centroids[level].T + (centroids[level] ** 2).sum(1)

    def run() -> None:
        found = NearestFreeCode().resolve(np.zeros((n, 3), np.int64), SIZES, distances)
        assert len(np.unique(found.codes, axis=0)) == n

    return run


@case
def counter_suffix(n: int) -> Timed:
    """CounterSuffix, crowded."""
    from lgsid.tokenizers import CounterSuffix

    codes = np.random.default_rng(4).integers(0, 40, (n, 3))
    return lambda: CounterSuffix().resolve(codes, SIZES, lambda rows, codes, level: np.zeros((len(rows), 256)))


def codes_of(n: int) -> Any:
    """Return semantic IDs whose first code is a neighborhood's."""
    from lgsid.artefacts import SemanticIDs

    rng, items = np.random.default_rng(5), worlds.place_table(n)["item_id"].to_numpy(dtype=object)
    codes = np.column_stack([worlds.neighborhoods(n) % 256, rng.integers(256, size=(n, 2))])
    return SemanticIDs(items, codes, SIZES)


@case
def card(n: int) -> Timed:
    """Card with vectors."""
    from lgsid.metrics import quality_card

    sids, items, found = codes_of(n), worlds.places(n), worlds.vectors(n)
    return lambda: quality_card(sids, items, found)


@case
def card_codes(n: int) -> Timed:
    """Card of codes and places."""
    from lgsid.metrics import quality_card

    sids, items = codes_of(n), worlds.places(n)
    return lambda: quality_card(sids, items)


@case
def city(n: int) -> Timed:
    """Synthetic city, 10 check-ins a place."""
    from lgsid.datasets import SyntheticCity

    return SyntheticCity(n_places=n, n_users=n // 2, n_checkins=10 * n).read


@case
def prepare(n: int) -> Timed:
    """Data prepare."""
    from lgsid.datasets import Brands, DatasetBuilder, TemporalSplit, describe_dataset

    builder = DatasetBuilder("made up", worlds.MadeUp(n), TemporalSplit(), brands=Brands(), k_core=2)
    return lambda: describe_dataset(builder.build())


@case
def neighbors(n: int) -> Timed:
    """100 nearest places."""
    from lgsid.geo.neighbors import nearest_places

    items = worlds.places(n)
    return lambda: nearest_places(items.lat_deg, items.lon_deg, 100)


@case
def reward_lists(n: int) -> Timed:
    """Lists of the reward model."""
    from lgsid.geo.candidates import CandidateSampler

    items = worlds.places(n)

    def run() -> None:
        sampler = CandidateSampler(items.lat_deg, items.lon_deg, 15, 300, 3)
        sampler.draw(np.arange(n), np.random.default_rng(0))

    return run


@case
def preference_pairs(n: int) -> Timed:
    """Preference pairs."""
    from lgsid.alignment import CollaborativePairs, NearOtherCategoryPairs, SameCategoryFarPairs
    from lgsid.datamodules import PreferenceData

    samplers = [SameCategoryFarPairs(), NearOtherCategoryPairs(), CollaborativePairs()]
    made = PreferenceData(worlds.dataset(n), samplers=samplers, n_pairs=n, batch_size=1024)

    def run() -> None:
        made.setup()
        assert sum(len(batch.anchor) for batch in made.train_dataloader()) == n

    return run


@case
def sequence_data(n: int) -> Timed:
    """Histories of all queries."""
    from lgsid.datamodules import SequenceData

    made = SequenceData(worlds.dataset(n), codes_of(n), batch_size=4096)

    def run() -> None:
        made.setup()
        for _ in made.train_dataloader():
            pass

    return run


@case
def click_data(n: int) -> Timed:
    """Negatives of the click task."""
    from lgsid.datamodules import CTRData

    made = CTRData(worlds.dataset(n))
    return made.setup


@case
def catalogue(n: int) -> Timed:
    """Catalogue and trie."""
    from lgsid.datamodules import SequenceData
    from lgsid.recommenders import Catalogue

    made = SequenceData(worlds.dataset(n), codes_of(n))
    made.setup()

    def run() -> None:
        found = Catalogue(made.shape)
        found.fill(made)
        assert found.trie.n_items == n

    return run


@case
def counting(n: int) -> Timed:
    """Counting models: fit, 200 queries."""
    from lgsid.recommenders.counting import ranking_suite
    from lgsid.recommenders.counting.log_source import LogSource
    from lgsid.recommenders.counting.past_visits import PastVisits

    found = worlds.dataset(n)

    def run() -> None:
        source = LogSource.of(found)
        models = ranking_suite.counted_models(source)
        rows = ranking_suite.query_rows(source, "test")[:200]
        for model in models:
            for part in ranking_suite.chunked(rows, n):
                model.score_visits(PastVisits.of_log(source.log, part, n))

    return run


def ranker(made: Any) -> Any:
    """Return a ranker by evidence, counted from data that are set up."""
    from lgsid.recommenders import NewPlaceRanker

    model = NewPlaceRanker()
    model.ensure_built(made.shape)
    model.take_catalogue(made)
    return model


@case
def evidence(n: int) -> Timed:
    """Evidence of the places: count."""
    from lgsid.datamodules import SequenceData

    made = SequenceData(worlds.dataset(n), codes_of(n))
    made.setup()
    return lambda: ranker(made)


@case
def ranker_steps(n: int) -> Timed:
    """NewPlaceRanker: 4 training steps."""
    import torch

    from lgsid.datamodules import SequenceData

    made = SequenceData(worlds.dataset(n), codes_of(n))
    made.setup()
    model = ranker(made)
    torch.manual_seed(0)
    rows = np.random.default_rng(7).choice(made.queries("train"), (4, 256))

    def run() -> None:
        for part in rows:
            model.evidence.loss(made.batch(part), model.catalogue).backward()

    return run


def answers(n: int, model: Any) -> Timed:
    """Return what answers 100 users and 100 histories with 10 places within 20 km, one after the other."""
    import lightning as L

    from lgsid.datamodules import SequenceData
    from lgsid.recommenders import LiveRecommender, OfCategories
    from lgsid.testing import quiet_trainer

    found = worlds.dataset(n)
    L.seed_everything(0, verbose=False)
    trainer = quiet_trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=0)
    trainer.fit(model, datamodule=SequenceData(found, codes_of(n), batch_size=8))
    live, rng = LiveRecommender(model, found), np.random.default_rng(6)
    users = rng.choice(found.user_ids, 100)
    histories = rng.choice(found.items.ids, (100, 5)).tolist()
    kinds = sorted(set(found.items.texts("category")))[::2]
    within = {"radius_km": 20.0, "filters": [OfCategories(kinds)]}
    live.recommend(history=histories[0], **within)  # fills what is kept

    def run() -> None:
        for user, history in zip(users, histories, strict=True):
            assert len(live.recommend(str(user), **within)) == len(live.recommend(history=history, **within)) == 10

    return run


@case
def answers_place_tiger(n: int) -> Timed:
    """200 answers, PlaceTIGER."""
    from lgsid.recommenders import PlaceTIGER

    return answers(n, PlaceTIGER())


@case
def answers_place_generator(n: int) -> Timed:
    """200 answers, PlaceGenerator."""
    from lgsid.recommenders import PlaceGenerator

    return answers(n, PlaceGenerator())


def measure(name: str, n: int) -> dict[str, float | int | str]:
    """Run one case in this process."""
    timed = CASES[name](n)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    timed()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "case": name,
        "places": n,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3),
        "input_mb": before.ru_maxrss // 1024,
        "peak_mb": after.ru_maxrss // 1024,
    }


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    sys.stdout.write(json.dumps(measure(sys.argv[1], int(sys.argv[2]))) + "\n")
