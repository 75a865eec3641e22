"""Controls: plain item IDs, and semantic IDs permuted across items."""

import numpy as np
import pandas as pd
import pytest

from lgsid import checkpoints
from lgsid.artefacts import Dataset, SemanticIDs
from lgsid.datamodules import ItemData
from lgsid.errors import LgsidError
from lgsid.metrics import quality_card
from lgsid.testing import quiet_trainer, toy_city
from lgsid.tokenizers import PlainTokenizer, RandomTokenizer, tokenize
from lgsid.tokenizers.permute_sids import permute_across_items

N = 60

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def city(toy_folder):
    return Dataset.read(toy_folder), toy_folder


@pytest.fixture(scope="module")
def plain(city, tmp_path_factory):
    """A fitted tokenizer, what it exported, and its checkpoint."""
    folder = tmp_path_factory.mktemp("plain")
    tokenizer, trainer = PlainTokenizer(), quiet_trainer(max_epochs=1)
    trainer.fit(tokenizer, ItemData(str(city[1])))
    trainer.save_checkpoint(folder / "model.ckpt")
    tokenizer.export(folder)
    return folder


def test_the_code_is_the_position_of_the_id(city, plain):
    sids = SemanticIDs.read(plain / "sids.parquet")
    assert sids.codebook_sizes == (N,)
    ids = sorted(city[0].items.ids.tolist())
    assert [ids[code] for code in sids.codes[:, 0]] == sids.item_ids.tolist()
    assert sids.metadata["data_hash"] == city[0].data_hash
    assert sids.metadata["before_resolution"]["collision_rate"] == 0.0


def test_a_checkpoint_knows_how_many_places_there_are(city, plain, tmp_path):
    tokenizer = checkpoints.load(plain / "model.ckpt")
    assert tokenizer.codebook_sizes == (N,)
    again = tokenize(plain / "model.ckpt", city[1], None, tmp_path / "again")
    assert np.array_equal(again.codes, SemanticIDs.read(plain / "sids.parquet").codes)
    toy_city(n_items=50, folder=tmp_path / "other")
    with pytest.raises(LgsidError, match="fitted on 60 places, found 50"):
        tokenize(plain / "model.ckpt", tmp_path / "other", None, tmp_path / "sids")
    assert not (tmp_path / "sids").exists()
    with pytest.raises(LgsidError, match="not known yet"):
        _ = PlainTokenizer().codebook_sizes


def uneven(items, seed=0):
    """Semantic IDs with buckets of many sizes, in an order of their own, and of one place too many."""
    rng = np.random.default_rng(seed)
    ids = np.append(items.ids[rng.permutation(N)], "elsewhere")
    codes = np.stack([rng.integers(0, 3, N + 1) ** 2, rng.integers(0, 3, N + 1)], axis=1)
    return SemanticIDs(ids.astype(object), codes, (6, 3), {"tokenizer": "a.B", "before_resolution": {}})


def test_permuting_keeps_the_tree_and_moves_the_places(city):
    items = city[0].items
    sids = uneven(items)
    dealt, own = permute_across_items(sids, items, 1), sids.for_items(items)
    assert dealt.item_ids.tolist() == items.ids.tolist()
    assert dealt.codebook_sizes == sids.codebook_sizes
    assert sorted(dealt.codes.tolist()) == sorted(own.tolist())
    assert (dealt.codes != own).any()
    assert dealt.metadata["tokenizer"] == "Permuted"
    assert dealt.metadata["of"] == {"tokenizer": "a.B"}
    card = quality_card(dealt, items)
    assert card["before_resolution"] is None
    before = quality_card(SemanticIDs(items.ids, own, (6, 3)), items)
    for name in ("collision_rate", "largest_bucket", "joint_entropy_bits", "by_level"):
        assert card[name] == before[name]


def test_the_draw_depends_on_seed_and_ids_only(city):
    items = city[0].items
    sids, order = uneven(items), np.random.default_rng(3).permutation(N)
    first = permute_across_items(sids, items, 1)
    assert np.array_equal(permute_across_items(sids, items, 1).codes, first.codes)
    assert not np.array_equal(permute_across_items(sids, items, 2).codes, first.codes)
    shuffled = SemanticIDs(sids.item_ids[::-1].copy(), sids.codes[::-1].copy(), sids.codebook_sizes)
    other = permute_across_items(shuffled, items.take(order), 1)
    assert np.array_equal(other.codes, first.codes[order])
    with pytest.raises(LgsidError, match="semantic IDs: none for"):
        permute_across_items(SemanticIDs(items.ids[1:], first.codes[1:], (6, 3)), items, 1)


def test_every_place_gets_every_code_equally_often(city):
    """Over many seeds, a place has the code of each place, its own included, about as often: 4 places, 1 in 4."""
    items = city[0].items.take(np.arange(4))
    sids = SemanticIDs(items.ids, np.arange(4)[:, None], (4,))
    drawn = np.stack([permute_across_items(sids, items, seed).codes[:, 0] for seed in range(2000)])
    shares = pd.DataFrame(drawn).apply(lambda column: column.value_counts(normalize=True))
    assert shares.to_numpy() == pytest.approx(0.25, abs=0.04)  # four standard deviations


@pytest.mark.parametrize(("sizes", "message"), [([10**12, 4], "a level has"), ([10**6] * 4, "2\\^63 semantic IDs")])
def test_random_codes_have_bounds(sizes, message):
    with pytest.raises(LgsidError, match=message):
        RandomTokenizer(sizes)
