"""Evaluations as plain objects: no trainer, no model."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import Dataset, Interactions
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules import SequenceData
from lgsid.functional.ranking import UNRANKED
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.evaluation import (
    ClickEvaluation,
    ClickSamples,
    RankedQueries,
    RankingEvaluation,
    item_slices,
)
from lgsid.testing import toy_city

N = 60


@pytest.fixture(scope="module")
def source():
    """A log in which nobody has been to every fifth place before the test."""
    city = toy_city(n_checkins=600)
    frame = city.interactions.frame
    kept = (city.item_rows % 5 > 0) | (frame["split"] == "test").to_numpy()
    return LogSource.of(Dataset(city.items, Interactions(frame[kept].reset_index(drop=True)), city.report))


def ranked(source, rows, seed=0):
    """A random ranking of all items for each query, and the rank of its target."""
    queries = RankedQueries.of(sequence_batch(source.log, rows, 10))
    scores = torch.rand(len(rows), N, generator=torch.Generator().manual_seed(seed))
    items = scores.argsort(1, descending=True)
    rank = (items == queries.target[:, None]).nonzero()[:, 1] + 1
    return queries, scores, items, rank


def among(queries, scores):
    """The same of some queries among some items, as an evaluation asks for it."""

    def rank_among(some, competing):
        masked = scores[some].masked_fill(~competing, -torch.inf)
        ordered = masked.sort(1, descending=True)
        items = ordered.indices.masked_fill(ordered.values == -torch.inf, -1)
        return items, (items == queries.target[some][:, None]).nonzero()[:, 1] + 1

    return rank_among


def test_metrics_and_columns_of_rankings_are_the_loop(source):
    rows = np.flatnonzero(source.log.split == "test")
    evaluation = RankingEvaluation(source, full_ranks=True)
    queries, scores, items, rank = ranked(source, rows)
    assert 0 < queries.is_new.sum() < len(rows)
    for part in torch.arange(len(rows)).split(17):
        some = queries.take(part)
        evaluation.update(some, items[part], rank[part], among(some, scores[part]))
    found, columns = evaluation.compute(), evaluation.columns()
    assert columns["row"].tolist() == rows.tolist()
    assert columns["rank"].tolist() == rank.tolist()
    log, per_query, cold_ranks = source.log, [], []
    cold = {i for i in range(N) if i not in set(log.item[log.split != "test"].tolist())}
    assert 0 < len(cold) < N
    for b, row in enumerate(rows.tolist()):
        visited = {int(log.item[r]) for r in range(row) if log.user[r] == log.user[row]}
        assert bool(queries.is_new[b]) == (int(log.item[row]) not in visited)
        order = [int(i) for i in items[b] if int(i) not in visited]
        per_query.append(order.index(int(log.item[row])) + 1 if queries.is_new[b] else -1)
        order = [i for i in order if i in cold]
        cold_ranks.append(order.index(int(log.item[row])) + 1 if queries.is_new[b] and log.item[row] in cold else -1)
    assert columns["explore_rank"].tolist() == per_query
    assert columns["cold_rank"].tolist() == cold_ranks
    counted = [r for r in cold_ranks if r > 0]
    assert counted
    assert float(found["among_cold/mrr"]) == pytest.approx(np.mean([1 / r for r in counted]), abs=1e-6)
    of_cold = [r for r, c in zip(per_query, cold_ranks, strict=True) if c > 0]
    assert float(found["explore/cold/mrr"]) == pytest.approx(np.mean([1 / r for r in of_cold]), abs=1e-6)
    assert float(found["explore/cold/queries"]) == len(of_cold)
    new = [r for r in per_query if r > 0]
    assert float(found["explore/mrr"]) == pytest.approx(np.mean([1 / r for r in new]), abs=1e-6)
    assert float(found["hit@5"]) == pytest.approx(np.mean([r <= 5 for r in rank.tolist()]))
    in_head = item_slices(source.dataset.items, log)[("head", "tail")][log.item[rows]]
    assert float(found["head/hit@10"]) == pytest.approx((rank.numpy() <= 10)[in_head].mean())
    assert not any(name.startswith(("explore/new/", "explore/revisit/")) for name in found)


def test_popular_places_are_those_of_the_training(source):
    """Without the later splits another fifth of the places is popular, and the slices are of those."""
    log = source.log
    later = np.flatnonzero(log.split != "train")
    trained = log.item_counts(N, "train")
    rare = np.argsort(trained, kind="stable")[: N // 5]
    item = log.item.copy()
    item[later] = rare[np.arange(len(later)) % len(rare)]  # later, everybody goes where hardly anybody went before
    changed = dataclasses.replace(source, log=dataclasses.replace(log, item=item))
    rows = np.flatnonzero(log.split == "test")
    evaluation = RankingEvaluation(changed)
    queries, scores, items, rank = ranked(changed, rows)
    evaluation.update(queries, items, rank, among(queries, scores))
    head = item_slices(source.dataset.items, log)[("head", "tail")]
    assert not head[item[rows]].any()
    found = evaluation.compute()
    assert float(found["tail/hit@10"]) == pytest.approx((rank <= 10).double().mean())
    assert "head/hit@10" not in found


def test_without_places_new_to_the_user_there_is_no_such_slice_and_after_a_reset_nothing(source, tmp_path):
    rows = np.flatnonzero(source.log.split == "val")
    evaluation = RankingEvaluation(source)
    assert evaluation.compute() == {}
    evaluation.write(tmp_path / "none.parquet")
    assert not (tmp_path / "none.parquet").exists()
    queries, _, items, rank = ranked(source, rows)
    evaluation.update(queries, items, rank.masked_fill(rank > 10, UNRANKED))
    found = evaluation.compute()
    assert "mrr" not in found
    assert not any(name.startswith("explore/") for name in found)
    assert set(evaluation.columns()["explore_rank"]) == set(evaluation.columns()["cold_rank"]) == {-1}
    evaluation.reset()
    assert evaluation.columns() == {}
    evaluation.update(queries, items, rank)
    assert len(evaluation.columns()["row"]) == len(rows)


def test_saved_columns_keep_names_order_and_types(source, tmp_path):
    rows = np.flatnonzero(source.log.split == "test")[:9]
    evaluation = RankingEvaluation(source)
    queries, _, items, rank = ranked(source, rows)
    evaluation.update(queries, items, rank)
    evaluation.write(tmp_path / evaluation.file_name)
    table = pd.read_parquet(tmp_path / "per_query.parquet")
    types = {"row": "int64", "user": "int64", "rank": "int64", "is_new": "bool", "explore_rank": "int64"}
    types["cold_rank"] = "int64"
    assert {name: str(kind) for name, kind in table.dtypes.items()} == types
    assert list(table.columns) == list(types)


def test_samples_of_clicks_are_flattened_query_by_query(tmp_path):
    samples = ClickSamples(
        row=torch.tensor([4, 9]),
        user=torch.tensor([0, 1]),
        is_new=torch.tensor([True, False]),
        candidate=torch.tensor([[5, 6, 7], [8, 5, 1]]),
        label=torch.tensor([[1.0, 0, 0], [1, 0, 0]]),
        near=torch.tensor([[True, True, False], [True, False, False]]),
    )
    score = torch.tensor([[0.2, 0.9, -1.0], [3.0, 0.1, 0.2]])
    for logits in (True, False):
        evaluation = ClickEvaluation(logits)
        assert evaluation.compute() == {}
        evaluation.update(samples.take(torch.tensor([0])), score[:1])
        evaluation.update(samples.take(torch.tensor([1])), score[1:])
        found = evaluation.compute()
        pairs = [(p, n) for p in (0.2, 3.0) for n in (0.9, -1.0, 0.1, 0.2)]
        assert float(found["auc"]) == pytest.approx(np.mean([(p > n) + 0.5 * (p == n) for p, n in pairs]))
        assert float(found["new/auc"]) == pytest.approx(0.5)
        assert ("logloss" in found) is logits
    loss = [math.log1p(math.exp(-s if y else s)) for s, y in zip(score.flatten(), samples.label.flatten(), strict=True)]
    evaluation = ClickEvaluation(True)
    evaluation.update(samples, score)
    assert float(evaluation.compute()["logloss"]) == pytest.approx(np.mean(loss), abs=1e-6)
    evaluation.write(tmp_path / evaluation.file_name)
    table = pd.read_parquet(tmp_path / "per_sample.parquet")
    types = {"row": "int64", "user": "int64", "candidate": "int64", "label": "float32", "near": "bool"}
    types["score"] = "float32"
    assert {name: str(kind) for name, kind in table.dtypes.items()} == types
    assert table["row"].tolist() == [4, 4, 4, 9, 9, 9]
    assert table["candidate"].tolist() == [5, 6, 7, 8, 5, 1]


def test_a_datamodule_and_a_dataset_are_the_same_source(source):
    data = SequenceData(source.dataset)
    data.setup()
    rows = np.flatnonzero(source.log.split == "test")
    queries, _, items, rank = ranked(source, rows)
    results = []
    for given in (data, source, SimpleNamespace(dataset=source.dataset, log=CheckInLog.of(source.dataset), codes=None)):
        evaluation = RankingEvaluation(given)
        evaluation.update(queries, items, rank)
        results.append(evaluation.compute())
    assert results[0] == results[1] == results[2]


def test_slices_of_items_are_the_loop(source):
    items = source.dataset.items
    counts = source.log.item_counts(N, "train")
    slices = item_slices(items, source.log)
    known = np.isin(np.arange(N), source.log.item[source.log.split != "test"])
    assert slices[("cold", "warm")].tolist() == (~known).tolist()
    head = slices[("head", "tail")]
    assert head.sum() == round(0.2 * N)
    assert counts[head].min() >= counts[~head].max()
    lat, lon = np.radians(items.lat_deg), np.radians(items.lon_deg)
    around = []
    for a in range(N):
        half = np.sin((lat - lat[a]) / 2) ** 2 + np.cos(lat) * np.cos(lat[a]) * np.sin((lon - lon[a]) / 2) ** 2
        around.append(int((2 * 6_371_008.8 * np.arcsin(np.sqrt(half)) <= 1000).sum()) - 1)
    assert slices[("dense", "sparse")].tolist() == (np.array(around) > np.median(around)).tolist()
