import numpy as np
import pytest
import torch
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from lgsid_implicit import BM25ItemKNN, CosineItemKNN, ImplicitALS, ImplicitBPR
from lgsid_implicit.matrix_recommender import of_library, visit_counts

import lgsid
from lgsid import plugins
from lgsid.artefacts import Dataset
from lgsid.artefacts.files import read_json
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.benchmark.suite import Suite
from lgsid.cli import main
from lgsid.errors import LgsidError
from lgsid.functional.tie_break import lexicographic_rank
from lgsid.recommenders.counting import evaluate_counting
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.testing import RecommenderContract, toy_city

MODELS = {
    "CosineItemKNN": lambda: CosineItemKNN(7),
    "BM25ItemKNN": lambda: BM25ItemKNN(7, k1=1.5, b=0.4),
    "ImplicitALS": lambda: ImplicitALS(factors=6, alpha=2.0, iterations=4, seed=3),
    "ImplicitBPR": lambda: ImplicitBPR(factors=6, iterations=20, seed=3),
}
CONFIGS = {
    "CosineItemKNN": "cosine_item_knn",
    "BM25ItemKNN": "bm25_item_knn",
    "ImplicitALS": "implicit_als",
    "ImplicitBPR": "implicit_bpr",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    toy_city(folder=folder)
    return folder


@pytest.fixture(scope="module")
def source(folder):
    return LogSource.of(Dataset.read(folder))


def counted(name, source):
    model = MODELS[name]()
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    return model


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


class TestContract(RecommenderContract):
    @pytest.fixture(autouse=True)
    def _made(self, name, source):
        self.made = counted(name, source), source

    def make(self):
        return self.made


def matrix(source, rows):
    """Count visits in a dense table, by a loop."""
    table = np.zeros((len(source.dataset.user_ids), len(source.dataset.items)), dtype=np.float32)
    for row in rows:
        table[source.log.user[row], source.log.item[row]] += 1
    return table


def of_the_library(name, table, row, user):
    """Scores of the library's own `recommend`, fitted on a table of visits, for one user with the visits `row`."""
    from scipy.sparse import csr_matrix

    arguments = {"num_threads": 1, "random_state": 3}
    model = {
        "CosineItemKNN": lambda: CosineRecommender(K=7, num_threads=1),
        "BM25ItemKNN": lambda: BM25Recommender(K=7, K1=1.5, B=0.4, num_threads=1),
        "ImplicitALS": lambda: AlternatingLeastSquares(
            factors=6, regularization=0.01, alpha=2.0, iterations=4, **arguments
        ),
        "ImplicitBPR": lambda: BayesianPersonalizedRanking(
            factors=6, learning_rate=0.01, regularization=0.01, iterations=20, **arguments
        ),
    }[name]()
    model.fit(csr_matrix(table), show_progress=False)
    again = {"recalculate_user": True} if name == "ImplicitALS" else {}
    items, values = model.recommend(user, csr_matrix(row), N=table.shape[1], filter_already_liked_items=False, **again)
    scores = np.zeros(table.shape[1])  # item-kNN returns those above 0
    scores[items] = values
    return scores


@pytest.mark.parametrize("split", ["val", "test"])
def test_scores_are_those_of_the_library(name, split, source):
    model, log = counted(name, source), source.log
    known = np.flatnonzero(log.split == "train" if split == "val" else log.split != "test")
    table = matrix(source, known)
    rows = np.flatnonzero(log.split == split)[::7]
    found = model.scores(sequence_batch(log, rows, 10_000)).numpy()
    assert np.array_equal(found, model.score_visits(PastVisits.of_log(log, rows, table.shape[1])).numpy())
    for query, row in enumerate(rows):
        user = log.user[row]
        past = matrix(source, [r for r in range(row) if log.user[r] == user])[[user]]
        with of_library(name):
            expected = of_the_library(name, table, past, user)
        np.testing.assert_allclose(found[query], expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(found) > 0


def test_a_model_of_validation_knows_nothing_later(name, source):
    log = source.log
    later = np.flatnonzero(log.split == "test")
    shuffled = LogSource(source.dataset, log.__class__(**{**vars_of(log), "item": log.item.copy()}))
    shuffled.log.item[later] = np.random.default_rng(0).permutation(log.item[later])
    rows = np.flatnonzero(log.split == "val")
    visits = PastVisits.of_log(log, rows, len(source.dataset.items))
    one, other = counted(name, source), counted(name, shuffled)
    assert torch.equal(one.score_visits(visits), other.score_visits(visits))


def vars_of(log):
    return {name: getattr(log, name) for name in ("user", "item", "time_s", "hour", "weekday", "split")}


def test_the_same_seed_gives_the_same_model_and_another_does_not(source):
    for kind in (ImplicitALS, ImplicitBPR):
        models = [kind(factors=4, iterations=3, seed=seed) for seed in (1, 1, 2)]
        for model in models:
            model.ensure_built(source.shape)
            model.take_catalogue(source)
        same, again, other = (model.item_factors for model in models)
        assert torch.equal(same, again)
        assert not torch.equal(same, other)


def test_somebody_unknown(name, source):
    model = counted(name, source)
    batch = sequence_batch(source.log, np.flatnonzero(source.log.split == "test")[:3], 50)
    stranger = {"row": torch.full((3,), -1), "user": torch.full((3,), -1)}
    scores = model.scores(batch.__class__(**{**fields_of(batch), **stranger}))
    if name == "ImplicitBPR":
        biases = model.item_factors[1, :, -1].double()
        torch.testing.assert_close(scores, biases.expand(3, -1))
        assert not torch.allclose(scores, model.scores(batch))
    else:
        torch.testing.assert_close(scores, model.scores(batch))


def fields_of(batch):
    return {field: getattr(batch, field) for field in batch.__dataclass_fields__}


def test_nobody_with_no_past_gets_the_popular_places(source):
    batch = sequence_batch(source.log, np.flatnonzero(source.log.split == "test")[:2], 50)
    empty = {"history": torch.full((2, 1), -1), "row": torch.full((2,), -1), "user": torch.full((2,), -1)}
    times = {f"history_{field}": getattr(batch, f"history_{field}")[:, :1] for field in ("age_s", "hour", "weekday")}
    batch = batch.__class__(**{**fields_of(batch), **empty, **times})
    counts = np.bincount(source.log.item[source.log.split != "test"], minlength=len(source.dataset.items))
    for name in ("CosineItemKNN", "BM25ItemKNN", "ImplicitALS"):
        best = counted(name, source).rank(batch, 5).items
        assert counts[best].tolist() == [sorted(counts, reverse=True)[:5]] * 2


def test_fewer_places_than_neighbors(source):
    model = CosineItemKNN(10_000)
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    dense = matrix(source, np.flatnonzero(source.log.split != "test")).astype(np.float64)
    length = np.linalg.norm(dense, axis=0)
    length[length == 0] = 1.0
    rows = np.flatnonzero(source.log.split == "test")[:5]
    found = model.score_visits(PastVisits.of_log(source.log, rows, dense.shape[1])).numpy()
    for query, row in enumerate(rows):
        user = source.log.user[row]
        past = matrix(source, [r for r in range(row) if source.log.user[r] == user])[user]
        np.testing.assert_allclose(found[query], past @ (dense.T @ dense / np.outer(length, length)), rtol=1e-5)


def test_a_checkpoint_answers_like_the_model(name, source, folder, tmp_path):
    config = f"recommender/{CONFIGS[name]}.yaml"
    data = f"--data.init_args.dataset={folder}"
    main(["fit", "--config", config, data, "--run-folder", str(tmp_path / "fit")])
    model = plugins.load()["recommenders"][name]()
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    loaded = lgsid.load(tmp_path / "fit/model.ckpt")
    batch = sequence_batch(source.log, np.flatnonzero(source.log.split == "test"), 10_000)
    torch.testing.assert_close(loaded.scores(batch), model.scores(batch))
    rank = lexicographic_rank(
        model.scores(batch),
        PastVisits.of(batch, len(source.dataset.items)).recency,
        model.popularity[1],
        batch.target,
    )
    assert torch.equal(loaded.target_rank(batch), rank)
    live = lgsid.LiveRecommender(loaded, source.dataset).recommend(history=list(source.dataset.items.ids[:2]), k=3)
    assert len(live) == 3


def test_they_stand_in_the_table_of_counting_baselines(folder, tmp_path, capsys):
    names = [flag for name in ("CosineItemKNN", "ImplicitALS") for flag in ("--also", name)]
    main(["baselines", "--dataset", str(folder), "--output", str(tmp_path / "out"), *names])
    found = read_json(tmp_path / "out/metrics.json")
    alone = evaluate_counting(folder, baselines=[CosineItemKNN()])
    assert alone["CosineItemKNN/test/mrr"] == found["CosineItemKNN/test/mrr"]
    assert {"Popularity/test/mrr", "ImplicitALS/test/mrr"} <= set(found)
    assert "CosineItemKNN" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["baselines", "--dataset", str(folder), "--output", str(tmp_path / "no"), "--also", "CosineKNN"])
    assert "unknown counting recommender 'CosineKNN'; did you mean CosineItemKNN?" in capsys.readouterr().err


def test_they_are_listed_and_have_short_names(name):
    listed = {p.name: p for p in plugins.available("recommenders")}
    assert listed[name].distribution == "lgsid-implicit"
    assert plugins.load()["recommenders"][name].__name__ == name


def test_the_suite_has_a_row_of_each_beside_those_of_the_smoke_test():
    smoke, suite = Suite.read("smoke"), Suite.read("smoke_implicit")
    assert set(suite.methods) - set(smoke.methods) == set(CONFIGS.values())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CosineItemKNN(0), "CosineItemKNN: neighbours must be at least 1, not 0"),
        (lambda: BM25ItemKNN(b=2), "BM25ItemKNN: k1 must not be negative and b be between 0 and 1"),
        (lambda: ImplicitALS(factors=0), "ImplicitALS: factors must be at least 1"),
        (lambda: ImplicitALS(alpha=0), "ImplicitALS: regularization must not be negative and alpha be positive"),
        (lambda: ImplicitBPR(learning_rate=-1), "ImplicitBPR: regularization must not be negative"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(LgsidError, match=message):
        make()


def test_no_training_check_ins(source):
    log = source.log
    later = log.__class__(**{**vars_of(log), "split": np.full(len(log), "test")})
    model = CosineItemKNN(5)
    model.ensure_built(source.shape)
    with pytest.raises(LgsidError, match="CosineItemKNN: the train split has no check-ins to fit on"):
        model.take_catalogue(LogSource(source.dataset, later))


def test_a_fit_that_diverges_is_told(source):
    model = ImplicitBPR(factors=4, learning_rate=1e30, iterations=5)
    model.ensure_built(source.shape)
    with pytest.raises(LgsidError, match="ImplicitBPR: the fit diverged"):
        model.take_catalogue(source)


def test_counting_visits():
    counts = visit_counts(np.array([1, 0, 1, 1]), np.array([2, 0, 2, 1]), (3, 4))
    assert counts.toarray().tolist() == [[1, 0, 0, 0], [0, 1, 2, 0], [0, 0, 0, 0]]
    assert counts.has_sorted_indices
