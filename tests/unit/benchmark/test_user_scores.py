"""Scores by user against the metric classes, and against really repeating users."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss, roc_auc_score

from lgsid.benchmark.click_scores import ClickScores
from lgsid.benchmark.ranking_scores import RankingScores
from lgsid.benchmark.user_scores import queries_hash
from lgsid.errors import LgsidError
from lgsid.functional.ranking import UNRANKED
from lgsid.functional.resampling import user_weights
from lgsid.metrics.ctr import CTRMetrics
from lgsid.metrics.ranking import RankingMetrics

N_USERS, N_ITEMS = 12, 9
COLUMNS = ("hit@1", "hit@5", "hit@10", "ndcg@5", "ndcg@10", "mrr@10")


def draw_ranks(seed=0, n=150):
    """Queries of users 100, 107, 114, ... who have different numbers of them."""
    g = np.random.default_rng(seed)
    user = 100 + 7 * np.minimum(g.geometric(0.2, n), N_USERS) - 7
    rank = np.where(g.random(n) < 0.2, UNRANKED, g.integers(1, 15, n))
    is_new = g.random(n) < 0.4
    explore = np.where(is_new, np.maximum(1, rank // 2), -1)
    cold = np.where(is_new & (g.random(n) < 0.3), np.maximum(1, rank // 3), -1)
    row = g.permutation(10 * n)[:n]
    columns = {"row": row, "user": user, "rank": rank, "is_new": is_new, "explore_rank": explore, "cold_rank": cold}
    return pd.DataFrame(columns)


def draw_samples(seed=0, queries=60):
    """Five samples of each query, two of the others near; scores with ties."""
    g = np.random.default_rng(seed)
    user = 100 + 7 * g.integers(0, N_USERS, queries)
    new = g.random(queries) < 0.4
    row = g.permutation(10 * queries)[:queries]
    label = np.tile([1.0, 0, 0, 0, 0], queries).astype(np.float32)
    frame = pd.DataFrame(
        {
            "row": row.repeat(5),
            "user": user.repeat(5),
            "candidate": g.integers(0, N_ITEMS, 5 * queries),
            "label": label,
            "near": np.tile([True, True, True, False, False], queries),
            "score": (g.integers(-6, 7, 5 * queries) / 2 + label).astype(np.float32),
        }
    )
    return frame, new.repeat(5)


def written(frame, path):
    frame.to_parquet(path, index=False)
    return path


def repeated(frame, users, weights):
    """Repeat users; every copy is a user of its own."""
    parts = [
        frame[frame["user"] == user].assign(user=1000 * user + copy)
        for user, weight in zip(users, weights.astype(int), strict=True)
        for copy in range(weight)
    ]
    return pd.concat(parts, ignore_index=True)


def ranking_metrics(rank, target, is_new, head):
    metrics = RankingMetrics(torch.zeros(N_ITEMS), torch.zeros(N_ITEMS), item_slices={("head", "tail"): head})
    listed = torch.zeros(len(rank), 10, dtype=torch.int64)
    as_tensors = (torch.from_numpy(np.array(x)) for x in (rank, target, is_new))
    metrics.update(*as_tensors, listed, torch.zeros(len(rank), dtype=torch.int64))
    return metrics.to_dict()


def test_ranking_scores_are_the_ranking_metrics(tmp_path):
    frame, head = draw_ranks(), torch.arange(N_ITEMS) < 4
    target = np.random.default_rng(1).integers(0, N_ITEMS, len(frame))
    in_head = head.numpy()[target]
    scores = RankingScores.read(written(frame, tmp_path / "a.parquet"), {"head/": in_head, "tail/": ~in_head})
    assert scores.users.tolist() == sorted(set(frame["user"]))
    found = dict(zip(scores.keys, scores.estimate(), strict=True))
    expected = ranking_metrics(frame["rank"], target, frame["is_new"], head)
    new = frame[frame["is_new"]]
    among_new = ranking_metrics(new["explore_rank"], target[frame["is_new"]], new["is_new"], head)
    expected |= {f"explore/{key}": value for key, value in among_new.items() if "/" not in key}
    slices = ("", "new/", "revisit/", "explore/", "head/", "tail/")
    assert set(found) == {part + column for part in slices for column in COLUMNS}
    for key, value in found.items():
        assert value == pytest.approx(expected[key], abs=1e-7), key


def test_cold_places_count_where_they_are_known(tmp_path):
    frame = draw_ranks(seed=6)
    cold = frame["cold_rank"].to_numpy() > 0
    cold |= ~frame["is_new"].to_numpy() & (np.arange(len(frame)) % 4 == 0)  # also right places that are not new
    scores = RankingScores.read(written(frame, tmp_path / "a.parquet"), {"cold/": cold, "warm/": ~cold})
    found = dict(zip(scores.keys, scores.estimate(), strict=True))
    new = frame["is_new"].to_numpy()
    for key, column, mask in (
        ("cold/", "rank", cold),
        ("explore/cold/", "explore_rank", cold & new),
        ("explore/warm/", "explore_rank", ~cold & new),
        ("among_cold/", "cold_rank", cold & new),
    ):
        expected = [rank <= 5 for rank in frame[column][mask]]
        assert 0 < len(expected) < len(frame)
        assert found[key + "hit@5"] == pytest.approx(np.mean(expected)), key
    unknown = RankingScores.read(tmp_path / "a.parquet")
    assert not [key for key in unknown.keys if "cold" in key or "warm" in key]


def gain(name, rank):
    kind, k = name.split("@")
    if rank > int(k):
        return 0.0
    return {"hit": 1.0, "ndcg": 1 / math.log2(rank + 1), "mrr": 1 / rank}[kind]


def test_ranking_scores_of_weights_are_those_of_repeated_users(tmp_path):
    frame = draw_ranks(seed=2)
    scores = RankingScores.read(written(frame, tmp_path / "a.parquet"))
    weights = user_weights(len(scores.users), 6, seed=0)
    for row, found in zip(weights, scores.evaluate(weights), strict=True):
        copies = repeated(frame, scores.users, row)
        new, old = copies[copies["is_new"]], copies[~copies["is_new"]]
        ranks = {"": copies["rank"], "new/": new["rank"], "revisit/": old["rank"], "explore/": new["explore_rank"]}
        for key, value in zip(scores.keys, found, strict=True):
            part, _, name = key.rpartition("/")
            gains = [gain(name, rank) for rank in ranks[f"{part}/" if part else ""]]
            assert value == pytest.approx(sum(gains) / len(gains), abs=1e-12), key


def test_only_new_places_are_explored(tmp_path):
    frame = draw_ranks(seed=5)
    one = RankingScores.read(written(frame, tmp_path / "a.parquet"))
    filled = frame.assign(explore_rank=frame["explore_rank"].where(frame["is_new"], 1))
    other = RankingScores.read(written(filled, tmp_path / "b.parquet"))
    assert np.array_equal(one.estimate(), other.estimate())


@pytest.mark.filterwarnings("error")
def test_a_replicate_without_a_query_of_a_slice_has_no_value(tmp_path):
    frame = pd.DataFrame(
        {"row": [4, 5, 6], "user": [3, 3, 8], "rank": [1, 4, 2], "is_new": [False, False, True], "explore_rank": -1}
    ).assign(cold_rank=-1)
    scores = RankingScores.read(written(frame, tmp_path / "a.parquet"), {"head/": np.zeros(3, bool)})
    assert not [key for key in scores.keys if key.startswith(("explore/", "head/"))]  # nobody has such queries
    found = scores.evaluate(np.array([[1.0, 1], [2, 0], [0, 2], [0, 0]]))
    by_key = dict(zip(scores.keys, found.T, strict=True))
    assert by_key["mrr@10"] == pytest.approx([7 / 12, 5 / 8, 1 / 2, np.nan], nan_ok=True)
    assert by_key["new/mrr@10"] == pytest.approx([1 / 2, np.nan, 1 / 2, np.nan], nan_ok=True)
    assert by_key["revisit/hit@1"] == pytest.approx([1 / 2, 1 / 2, np.nan, np.nan], nan_ok=True)


def test_the_order_of_rows_of_a_table_of_ranks_does_not_count(tmp_path):
    frame = draw_ranks(seed=3)
    mask = np.random.default_rng(0).random(len(frame)) < 0.5
    order = np.random.default_rng(1).permutation(len(frame))
    one = RankingScores.read(written(frame, tmp_path / "a.parquet"), {"head/": mask})
    other = RankingScores.read(written(frame.iloc[order], tmp_path / "b.parquet"), {"head/": mask[order]})
    weights = user_weights(len(one.users), 20, seed=0)
    assert np.array_equal(one.evaluate(weights), other.evaluate(weights), equal_nan=True)
    one.same_task(other)


def by_class(frame, new, logits=True):
    metrics = CTRMetrics(probabilities=logits)
    columns = (frame[name].to_numpy() for name in ("score", "label", "user", "near"))
    metrics.update(*(torch.from_numpy(column.copy()) for column in (*columns, np.asarray(new))))
    return {key: float(value) for key, value in metrics.compute().items() if not key.endswith("samples")}


@pytest.mark.parametrize("logits", [True, False])
def test_click_scores_are_the_click_metrics(tmp_path, logits):
    frame, new = draw_samples()
    scores = ClickScores.read(written(frame, tmp_path / "a.parquet"), new, logits=logits)
    found = dict(zip(scores.keys, scores.estimate(), strict=True))
    expected = by_class(frame, new, logits)
    assert set(found) == set(expected)
    assert any(key.endswith("logloss") for key in found) == logits
    for key, value in found.items():
        assert value == pytest.approx(expected[key], abs=2e-7), key  # the class works in single precision
    for part, mask in (("", np.ones_like(new)), ("new/", new), ("revisit/", ~new)):
        kept, near = frame[mask], frame[mask & frame["near"].to_numpy()]
        assert found[f"{part}auc"] == pytest.approx(roc_auc_score(kept["label"], kept["score"]), abs=1e-12)
        assert found[f"{part}near_auc"] == pytest.approx(roc_auc_score(near["label"], near["score"]), abs=1e-12)
        if logits:
            chance = 1 / (1 + np.exp(-kept["score"].to_numpy(float)))
            assert found[f"{part}logloss"] == pytest.approx(log_loss(kept["label"], chance), abs=1e-12)


def test_click_scores_of_weights_are_those_of_repeated_users(tmp_path):
    frame, new = draw_samples(seed=1)
    frame["new"] = new
    scores = ClickScores.read(written(frame, tmp_path / "a.parquet"), new)
    weights = user_weights(len(scores.users), 5, seed=0)
    for row, found in zip(weights, scores.evaluate(weights), strict=True):
        copies = repeated(frame, scores.users, row)
        expected = by_class(copies, copies["new"].to_numpy())
        for key, value in zip(scores.keys, found, strict=True):
            assert value == pytest.approx(expected[key], abs=2e-7), key


@pytest.mark.filterwarnings("error")
def test_click_scores_leave_out_what_cannot_be_computed(tmp_path):
    frame, _ = draw_samples(seed=2, queries=8)
    frame["user"] = frame["row"]  # one query each
    none = ClickScores.read(written(frame, tmp_path / "a.parquet"), np.zeros(40, bool))
    assert {key.rpartition("/")[0] for key in none.keys} == {"", "revisit"}
    assert not np.isnan(none.estimate()).any()
    only_right = frame[frame["label"] == 1]
    right = ClickScores.read(written(only_right, tmp_path / "b.parquet"), np.zeros(8, bool), logits=False)
    assert right.keys == ()
    assert right.evaluate(np.ones((3, 8))).shape == (3, 0)
    split = frame.assign(user=(frame["label"] == 1).astype(int))  # positives of one user, negatives of another
    scores = ClickScores.read(written(split, tmp_path / "c.parquet"), np.zeros(40, bool))
    assert not [key for key in scores.keys if key.endswith("gauc")]
    found = dict(zip(scores.keys, scores.evaluate(np.array([[2.0, 0], [1, 1], [0, 2]])).T, strict=True))
    area = roc_auc_score(frame["label"], frame["score"])
    assert found["auc"] == pytest.approx([np.nan, area, np.nan], nan_ok=True)
    assert not np.isnan(found["logloss"]).any()


def test_the_order_of_rows_of_a_table_of_scores_does_not_count(tmp_path):
    frame, new = draw_samples(seed=3)
    order = np.random.default_rng(1).permutation(len(frame))
    one = ClickScores.read(written(frame, tmp_path / "a.parquet"), new)
    other = ClickScores.read(written(frame.iloc[order], tmp_path / "b.parquet"), new[order])
    weights = user_weights(len(one.users), 20, seed=0)
    assert np.array_equal(one.evaluate(weights), other.evaluate(weights), equal_nan=True)
    one.same_task(other)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.iloc[1:],
        lambda f: f.assign(row=f["row"] + 1),
        lambda f: f.assign(user=f["user"].where(f.index > 0, 5)),
        lambda f: f.assign(is_new=~f["is_new"]),
    ],
    ids=["fewer", "rows", "users", "new"],
)
def test_other_queries_are_refused(tmp_path, change):
    frame = draw_ranks(seed=4)
    one = RankingScores.read(written(frame, tmp_path / "one.parquet"))
    same = RankingScores.read(written(frame.assign(rank=1), tmp_path / "same.parquet"))
    one.same_task(same)
    other = RankingScores.read(written(change(frame), tmp_path / "other.parquet"))
    with pytest.raises(LgsidError, match=r"other\.parquet: was measured on other queries .* than .*one\.parquet"):
        one.same_task(other)


@pytest.mark.parametrize("column", ["row", "user", "candidate", "label", "near"])
def test_other_samples_are_refused(tmp_path, column):
    frame, new = draw_samples(seed=4)
    one = ClickScores.read(written(frame, tmp_path / "one.parquet"), new)
    one.same_task(ClickScores.read(written(frame.assign(score=0.5), tmp_path / "same.parquet"), new, logits=False))
    changed = frame.copy()
    changed.loc[3, column] = changed[column].dtype.type(1) if changed.loc[3, column] != 1 else 0
    other = ClickScores.read(written(changed, tmp_path / "other.parquet"), new)
    with pytest.raises(LgsidError, match="other queries"):
        one.same_task(other)
    flipped = ClickScores.read(tmp_path / "one.parquet", ~new)
    with pytest.raises(LgsidError, match="other queries"):
        one.same_task(flipped)


def test_tasks_do_not_mix(tmp_path):
    ranks = RankingScores.read(written(draw_ranks(), tmp_path / "a.parquet"))
    frame, new = draw_samples()
    with pytest.raises(LgsidError, match="other queries"):
        ranks.same_task(ClickScores.read(written(frame, tmp_path / "b.parquet"), new))


def test_hash_depends_on_values_and_columns():
    a, b = np.array([1, 2]), np.array([3, 4])
    hashes = {queries_hash(a, b), queries_hash(b, a), queries_hash(np.append(a, b)), queries_hash(a), queries_hash(b)}
    assert len(hashes) == 5
    assert queries_hash(a, b) == queries_hash(a.astype(np.int32), b.astype(np.float32))


def test_bad_files_are_refused(tmp_path):
    frame = draw_ranks()
    mask = np.ones(len(frame) - 1, bool)
    with pytest.raises(LgsidError, match=r"has 150 rows, the mask of slice head/ has 149"):
        RankingScores.read(written(frame, tmp_path / "a.parquet"), {"head/": mask})
    with pytest.raises(LgsidError, match="start at 1"):
        RankingScores.read(written(frame.assign(rank=0), tmp_path / "b.parquet"))
    with pytest.raises(LgsidError, match="start at 1"):
        RankingScores.read(written(frame.iloc[:0], tmp_path / "c.parquet"))
    with pytest.raises(LgsidError, match="missing column explore_rank"):
        RankingScores.read(written(frame.drop(columns="explore_rank"), tmp_path / "d.parquet"))
    samples, new = draw_samples()
    with pytest.raises(LgsidError, match="mask of slice new/"):
        ClickScores.read(written(samples, tmp_path / "e.parquet"), new[1:])
    with pytest.raises(LgsidError, match="labels 0 or 1"):
        ClickScores.read(written(samples.assign(label=0.5), tmp_path / "f.parquet"), new)
    with pytest.raises(LgsidError, match="be numbers"):
        ClickScores.read(written(samples.assign(score=np.nan), tmp_path / "g.parquet"), new)
    with pytest.raises(LgsidError, match="no such file"):
        ClickScores.read(tmp_path / "nothing.parquet", new)
