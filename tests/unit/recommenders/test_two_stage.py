"""Two stages: what is proposed is ranked anew, and nothing else comes back."""

import json
import logging

import lightning as L
import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import Dataset, SemanticIDs
from lgsid.cli import main
from lgsid.commands.train import check_fit
from lgsid.datamodules import CTRData, SequenceData
from lgsid.errors import LgsidError
from lgsid.functional.ranking import UNRANKED
from lgsid.recommenders import DIN, TIGER, LiveRecommender, NoSids, Popularity, Recommender, TimeTransition, TwoStage
from lgsid.testing import RecommenderContract, quiet_trainer, toy_city

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
TRAINER = {"max_epochs": 1, "limit_train_batches": 1}


class Constant(Popularity):
    """Scores every place alike, but for one."""

    favourite = -1

    def candidate_scores(self, batch, candidate):
        return (candidate == self.favourite).float()


def built(model, data):
    data.setup()
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval()


@pytest.fixture
def sequences(toy_folder):
    data = SequenceData(toy_folder, toy_folder / "sids.parquet")
    data.setup()
    return data


@pytest.fixture
def tiger(sequences):
    torch.manual_seed(0)
    return built(TIGER(t5=T5, encoder_history=5, user_buckets=3, beam_width=12), sequences)


class TestTwoStage(RecommenderContract):
    @pytest.fixture(autouse=True)
    def _data(self, sequences, tiger):
        torch.manual_seed(1)
        model = built(TwoStage(tiger, built(DIN(), sequences), n_candidates=9), sequences)
        self.made = model.requires_grad_(False), sequences  # as those of a file: both stages are trained

    def make(self):
        return self.made


def test_a_constant_scorer_keeps_the_order(tiger, sequences):
    model = built(TwoStage(tiger, built(Constant(), sequences), n_candidates=12), sequences)
    batch = sequences.batch(sequences.queries("test")[:20])
    allowed = torch.rand(20, len(model.catalogue), generator=torch.Generator().manual_seed(0)) < 0.3
    for mask in (None, allowed):
        assert torch.equal(model.rank(batch, 7, mask).items, tiger.rank(batch, 12, mask).items[:, :7])


def test_the_favourite_of_the_scorer_comes_first_where_it_is_proposed(tiger, sequences):
    ranker = built(Constant(), sequences)
    model = built(TwoStage(tiger, ranker, n_candidates=8), sequences)
    batch = sequences.batch(sequences.queries("test")[:20])
    proposed = tiger.rank(batch, 8).items
    ranker.favourite = int(proposed[3, 6])
    items = model.rank(batch, 8).items
    among = (proposed == ranker.favourite).any(1)
    assert bool(among[3])
    assert not bool(among.all())
    for row, first, has in zip(items, proposed, among, strict=True):
        rest = first[first != ranker.favourite]
        assert row.tolist() == ([ranker.favourite] if has else []) + rest.tolist()
    model.k_max = 8
    rank = model.target_rank(batch)
    assert torch.equal(rank < UNRANKED, (proposed == batch.target[:, None]).any(1))


def test_the_order_is_that_of_the_scores_over_recent_check_ins(tiger, sequences):
    torch.manual_seed(2)
    din = built(DIN(), sequences)
    model = built(TwoStage(tiger, din, n_candidates=10, ranker_history=4), sequences)
    rows = sequences.queries("test")[:15]
    ranked, proposed = model.rank(sequences.batch(rows), 10), tiger.rank(sequences.batch(rows), 10).items
    short = SequenceData(sequences.source, sequences.sids, max_history=4)
    short.setup()
    with torch.no_grad():
        for b, row in enumerate(rows):
            scores = din.candidate_scores(short.batch(np.array([row])), proposed[b : b + 1])[0]
            best = scores.sort(descending=True, stable=True)
            assert torch.allclose(ranked.scores[b], best.values, atol=1e-5)
            assert torch.equal(ranked.items[b], proposed[b][best.indices])


def test_the_generator_has_its_say_by_weight(tiger, sequences):
    torch.manual_seed(3)
    din = built(DIN(), sequences)
    batch = sequences.batch(sequences.queries("test")[:15])
    allowed = torch.arange(len(tiger.catalogue)) < 6  # fewer than are asked for: the rest is padding
    first = tiger.rank(batch, 8, allowed)
    with torch.no_grad():
        logits = din.candidate_scores(batch, first.items.clamp_min(0))
    for weight in (0.0, 0.7, 1e6):
        model = built(TwoStage(tiger, din, n_candidates=8, ranker_history=999, generator_weight=weight), sequences)
        ranked = model.rank(batch, 8, allowed)
        for b in range(len(batch)):
            n = int((first.items[b] >= 0).sum())
            best = (logits[b] + weight * first.scores[b])[:n].sort(descending=True, stable=True)
            assert torch.equal(ranked.items[b], first.items[b][torch.cat([best.indices, torch.arange(n, 8)])])
            assert torch.allclose(ranked.scores[b][:n], best.values, atol=1e-4)
    assert torch.equal(ranked.items, first.items)  # nothing but the generator


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A dataset, checkpoints of a generator and of click models on the same semantic IDs, on others, on none."""
    folder = tmp_path_factory.mktemp("town")
    for name, seed in (("data", 0), ("elsewhere", 3)):
        items = toy_city(folder=folder / name, seed=seed).items
    n = len(items)
    for name, codes in (("sids", np.arange(n) % 7), ("others", np.arange(n) % 6)):
        SemanticIDs(items.ids, np.stack([codes, np.arange(n)], 1), (7, n)).write(folder / f"{name}.parquet")
    for name, model, city, sids in (
        ("tiger", TIGER(t5=T5, encoder_history=5, user_buckets=3, beam_width=12), "data", "sids"),
        ("din", DIN(), "data", "sids"),
        ("others", DIN(), "data", "others"),
        ("without", DIN(sid_features=NoSids()), "data", None),
        ("elsewhere", DIN(), "elsewhere", "sids"),
    ):
        kind = CTRData if isinstance(model, DIN) else SequenceData
        data = kind(str(folder / city), None if sids is None else str(folder / f"{sids}.parquet"), max_history=20)
        L.seed_everything(1, verbose=False)
        trainer = quiet_trainer(**TRAINER, limit_val_batches=0)
        trainer.fit(model, datamodule=data)
        trainer.save_checkpoint(folder / f"{name}.ckpt")
    return folder


@pytest.mark.parametrize("ranker", ["din", "without"])
def test_one_checkpoint_holds_both(town, tmp_path, ranker):
    data = SequenceData(str(town / "data"), str(town / "sids.parquet"), val_queries=10)
    model = TwoStage(town / "tiger.ckpt", town / f"{ranker}.ckpt", n_candidates=9, ranker_history=20)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    quiet_trainer(**TRAINER).fit(model, datamodule=data)
    checkpoints.save(model, tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt", Recommender)
    batch = data.batch(data.queries("test")[:9])
    assert torch.equal(loaded.rank(batch, 9).items, model.eval().rank(batch, 9).items)
    assert torch.equal(loaded.rank(batch, 9).scores, model.rank(batch, 9).scores)
    assert loaded.trained_on == model.generator.trained_on == loaded.ranker.trained_on
    stated = checkpoints.load(town / "tiger.ckpt").state_dict()
    assert all(torch.equal(value, loaded.state_dict()[f"generator.{name}"]) for name, value in stated.items())


@pytest.mark.parametrize(
    ("ranker", "message"),
    [
        ("others", "TIGER and DIN were trained on different semantic IDs; give both the same sids.parquet"),
        ("elsewhere", "TIGER and DIN were trained on different datasets"),
        ("tiger", "TIGER does not score given places; rank with a click model"),
        ("gone", "gone.ckpt"),
    ],
)
def test_what_does_not_fit_is_one_line(town, capsys, ranker, message):
    with pytest.raises(LgsidError, match=message) as error:
        TwoStage(town / "tiger.ckpt", town / f"{ranker}.ckpt")
    assert "\n" not in str(error.value)
    asked = ["recommend", "--checkpoint", str(town / "tiger.ckpt"), "--dataset", str(town / "data")]
    with pytest.raises(SystemExit):
        main([*asked, "--rank-with", str(town / f"{ranker}.ckpt")])
    assert message in capsys.readouterr().err


def test_a_missing_stage_and_an_empty_list_are_refused():
    with pytest.raises(LgsidError, match="ranker is missing"):
        TwoStage(TIGER())
    with pytest.raises(LgsidError, match="n_candidates must be at least 1, not 0"):
        TwoStage(TIGER(), DIN(), n_candidates=0)
    with pytest.raises(LgsidError, match="ranker_history must be at least 1, not 0"):
        TwoStage(TIGER(), DIN(), ranker_history=0)


def test_the_command_line_ranks_with_a_second_model(town, capsys):
    data = Dataset.read(town / "data")
    asked = ["recommend", "--checkpoint", str(town / "tiger.ckpt"), "--dataset", str(town / "data"), "-k", "5"]
    asked += ["--user", str(data.user_ids[0]), "--json"]
    main([*asked, "--rank-with", str(town / "din.ckpt")])
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == "TIGER ranked by DIN"
    expected = LiveRecommender(TwoStage(town / "tiger.ckpt", town / "din.ckpt"), data).recommend(
        user=str(data.user_ids[0]), k=5
    )
    assert [item["item_id"] for item in found["items"]] == [item.item_id for item in expected.items]
    category = str(data.items.frame["category"].iloc[0])
    main([*asked, "--rank-with", str(town / "din.ckpt"), "--category", category])
    assert {item["category"] for item in json.loads(capsys.readouterr().out)["items"]} == {category}


def test_a_test_needs_no_checkpoint_of_its_own(town, tmp_path):
    words = [f"--model.generator={town / 'tiger.ckpt'}", f"--model.ranker={town / 'din.ckpt'}"]
    words += [f"--data.dataset={town / 'data'}", f"--data.sids={town / 'sids.parquet'}", "--data.val_queries=10"]
    for command in ("test", "fit"):
        run = tmp_path / command
        main([command, "--config", "recommender/two_stage.yaml", "--run-folder", str(run), *words])
    tested = json.loads((tmp_path / "test" / "metrics.json").read_text())
    assert tested["test/hit@10"] <= 1
    assert checkpoints.load(tmp_path / "fit", TwoStage).title == "TIGER ranked by DIN"


def test_a_counting_model_may_propose_and_rank(town):
    data = SequenceData(str(town / "data"))
    parts = [built(kind(), data) for kind in (Popularity, TimeTransition)]
    model = built(TwoStage(*parts, n_candidates=5), data)
    batch = data.batch(data.queries("test")[:6])
    assert torch.equal(model.rank(batch, 5).items.sort(1).values, parts[0].rank(batch, 5).items.sort(1).values)


@pytest.mark.parametrize(
    ("config", "given"),
    [
        ("two_stage.yaml", {"model.init_args.generator": "a/model.ckpt", "model.init_args.ranker": "b/model.ckpt"}),
        ("onerec_dpo.yaml", {"model.init_args.start": "a/model.ckpt"}),
        ("onerec_ecpo.yaml", {"model.init_args.start": "a/model.ckpt"}),
    ],
)
def test_a_stage_of_a_suite_may_name_checkpoints_that_are_yet_to_come(config, given, tmp_path):
    check_fit(
        config=[f"recommender/{config}"], output=str(tmp_path), seed=1, **{"data.init_args.dataset": "d"}, **given
    )
