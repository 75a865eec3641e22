"""Declare one more metric of each kind, and nothing else: it is computed, resampled, and in every table."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import sigmoid

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.files import write_json
from lgsid.benchmark.click_scores import ClickScores
from lgsid.benchmark.leaderboard import suite_view
from lgsid.benchmark.markdown_tables import board_table
from lgsid.benchmark.page import page_html
from lgsid.benchmark.ranking_scores import RankingScores
from lgsid.benchmark.tasks import TASKS
from lgsid.functional.ranking import UNRANKED, hit_at
from lgsid.metrics import (
    card_declarations,
    click_declarations,
    neighborhood_declarations,
    ranking_declarations,
    reward_declarations,
)
from lgsid.metrics.ctr import CTRMetrics
from lgsid.metrics.metric_spec import ALL, Shown
from lgsid.metrics.neighborhood import NeighborhoodMetrics
from lgsid.metrics.ranking import RankingMetrics
from lgsid.metrics.slices import ITEM_SLICES
from lgsid.recommenders.evaluation.item_slices import item_slices
from lgsid.report.pipeline_report import write_report
from lgsid.testing.toy_city import toy_city

EVERYWHERE = Shown(report=("", "explore/"), suite=ALL, documents=ALL, figure=ALL)
RANKS = [1, 3, 4, 2, UNRANKED, 3]
IS_NEW = [False, True, False, True, True, False]


def add(monkeypatch, module, name, metric):
    monkeypatch.setattr(module, name, (*getattr(module, name), metric))


def readme_numbers() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "readme_numbers.py"
    spec = importlib.util.spec_from_file_location("readme_numbers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def suite_of(task_name: str, values: dict[str, float]):
    """A suite of one task with one board, on which one method has some values."""
    task = TASKS[task_name]
    suite = SimpleNamespace(
        task=task, name="toy", title="Toy", description="", primaries=(task.primary,), primary=task.primary
    )
    triples = {key: [value, value - 0.1, value + 0.1] for key, value in values.items()}
    method = {"name": "m", "title": "M", "role": "method", "against": None, "values": triples}
    board = {"methods": [method], "differences": {}, "baseline": "m", "facts": [], "title": "", "dataset": "d"}
    return suite, board


@pytest.fixture
def hit_at_3(monkeypatch):
    metric = ranking_declarations.RankMetric(
        "hit@3", "Hit@3", "Share of queries in the first three.", gain=partial(hit_at, k=3), shown=EVERYWHERE
    )
    add(monkeypatch, ranking_declarations, "RANK_METRICS", metric)


def test_a_ranking_metric_is_measured_and_resampled(hit_at_3, tmp_path):
    metrics = RankingMetrics(torch.zeros(4), torch.zeros(4))
    rank, is_new = torch.tensor(RANKS), torch.tensor(IS_NEW)
    zeros = torch.zeros(6, dtype=torch.int64)
    metrics.update(rank, zeros, is_new, torch.zeros(6, 10, dtype=torch.int64), zeros)
    results = metrics.to_dict()
    assert results["hit@3"] == pytest.approx(4 / 6)
    assert results["new/hit@3"] == pytest.approx(2 / 3)
    frame = pd.DataFrame({"row": range(6), "user": [0, 0, 1, 1, 2, 2], "rank": RANKS, "is_new": IS_NEW})
    frame["explore_rank"] = np.where(frame["is_new"], 1, -1)
    frame["cold_rank"] = -1
    frame.to_parquet(tmp_path / "per_query.parquet")
    scores = RankingScores.read(tmp_path / "per_query.parquet")
    found = dict(zip(scores.keys, scores.estimate(), strict=True))
    assert found["hit@3"] == pytest.approx(results["hit@3"])
    assert found["explore/hit@3"] == 1
    last_user_twice = dict(zip(scores.keys, scores.evaluate(np.array([[0.0, 1.0, 2.0]]))[0], strict=True))
    assert last_user_twice["hit@3"] == pytest.approx((0 + 1 + 2 * (0 + 1)) / 6)


def test_a_ranking_metric_is_in_every_table(hit_at_3, tmp_path):
    values = {"mrr@10": 0.2, "hit@3": 0.31, "explore/hit@3": 0.42, "explore/mrr@10": 0.1}
    write_json(tmp_path / "model/metrics.json", {f"test/{key}": value for key, value in values.items()})
    report = write_report({"model": tmp_path / "model"}, tmp_path / "report")
    cells = dict(zip(report.tables["leaderboard"].header, report.tables["leaderboard"].rows[0], strict=True))
    assert cells == {"model": "model", "Hit@3": "0.310", "MRR@10": "0.200"}
    new_places = report.tables["new_places"]
    assert dict(zip(new_places.header, new_places.rows[0], strict=True)) == {
        "model": "model",
        "explore Hit@3": "0.420",
        "explore MRR@10": "0.100",
    }
    suite, board = suite_of("next_place", values)
    table = board_table(suite, board)
    assert "0.310" in table.rows[0][table.header.index("Hit@3")]
    view = suite_view(suite, [board])
    column = {"key": "hit@3", "title": "Hit@3", "help": "Share of queries in the first three."}
    assert {**column, "higher": True, "digits": 3} in view["columns"]
    assert "Share of queries in the first three." in page_html({"title": "", "suites": [view]})
    runs = [{"seed": 1, "leaderboard": [{"name": "m", "metrics": {"test/mrr@10": 0.2, "test/hit@3": 0.31}}]}]
    documented = readme_numbers().leaderboard(runs)
    assert documented.rows[0][documented.header.index("Hit@3")] == "0.310"


def brier_of_users(score, label, owner, n_users):
    errors = (sigmoid(score) - label) ** 2
    return torch.bincount(owner, errors, minlength=n_users), torch.bincount(owner, minlength=n_users).double()


def test_a_click_metric(monkeypatch, tmp_path):
    metric = click_declarations.UserMeanMetric(
        "brier", "Brier", "Mean squared error.", False, by_user=brier_of_users, of_logits=True, shown=EVERYWHERE
    )
    add(monkeypatch, click_declarations, "CLICK_METRICS", metric)
    generator = torch.Generator().manual_seed(0)
    score, label = torch.randn(40, generator=generator), (torch.arange(40) % 4 == 0).float()
    user, near, is_new = torch.arange(40) // 8, torch.arange(40) % 2 == 0, torch.arange(40) < 20
    metrics = CTRMetrics()
    metrics.update(score, label, user, near, is_new)
    expected = float(np.mean((1 / (1 + np.exp(-score.numpy())) - label.numpy()) ** 2))
    assert float(metrics.compute()["brier"]) == pytest.approx(expected)
    columns = (user.numpy(), label.double().numpy(), score.double().numpy(), near.numpy(), is_new.numpy())
    scores = ClickScores("here", *columns, "hash")
    assert dict(zip(scores.keys, scores.estimate(), strict=True))["brier"] == pytest.approx(expected)
    write_json(tmp_path / "model/metrics.json", {"test/auc": 0.7, "test/brier": expected})
    table = write_report({"model": tmp_path / "model"}, tmp_path / "report").tables["click"]
    assert table.rows[0][table.header.index("Brier")] == f"{expected:.3f}"
    suite, board = suite_of("click_through", {"auc": 0.7, "brier": expected})
    assert "Brier" in board_table(suite, board).header
    assert "brier" in [column["key"] for column in suite_view(suite, [board])["columns"]]


def test_a_number_of_the_card(monkeypatch, tmp_path):
    metric = card_declarations.CardMetric(
        "largest", "largest bucket", "Places of the fullest code.", False, 0,
        value=card_declarations.entry("largest_bucket"), shown=EVERYWHERE,
    )  # fmt: skip
    add(monkeypatch, card_declarations, "WHOLE_CODE", metric)
    card = {"largest_bucket": 7, "collision_rate": 0.5, "by_level": [], "by_depth": [], "codebook_sizes": []}
    write_json(tmp_path / "card.json", card)
    task = TASKS["sid_quality"]
    assert task.measured(tmp_path, "")["largest"] == 7
    suite, board = suite_of("sid_quality", {"km@1": 1.0, "largest": 7})
    assert "largest bucket" in board_table(suite, board).header
    documented = readme_numbers().semantic_ids([{"semantic_ids": {"tokenize": {"card": card}}}])
    assert documented.rows[0][documented.header.index("largest bucket")] == "7"


def test_a_metric_of_neighborhoods(monkeypatch, tmp_path):
    metric = neighborhood_declarations.NeighborhoodMetric(
        "norm@{k}", "norm@{k}", "Mean length.", name="norm",
        value=lambda found, _: found.vectors.double().norm(dim=1).mean(), shown=EVERYWHERE,
    )  # fmt: skip
    add(monkeypatch, neighborhood_declarations, "NEIGHBORHOOD_METRICS", metric)
    metrics = NeighborhoodMetrics(k=2)
    ones = torch.ones(5, dtype=torch.int64)
    metrics.update(2 * torch.eye(5), ones[:, None], ones, torch.zeros(5), torch.zeros(5))
    assert float(metrics.compute()["norm@2"]) == 2
    write_json(tmp_path / "align/metrics.json", {"before/norm@2": 1.0, "after/norm@2": 2.0})
    table = write_report({"align": tmp_path / "align"}, tmp_path / "report").tables["alignment"]
    assert table.rows == (("norm@2", "1.000", "2.000"),)


def test_a_metric_of_rewards(monkeypatch, tmp_path):
    metric = reward_declarations.ListMetric(
        "nearest", "nearest", "Whether the nearest is first.", shown=EVERYWHERE,
        value=lambda scores, _, distance: (scores.argmax(1) == distance.argmin(1)).double(),
    )  # fmt: skip
    add(monkeypatch, reward_declarations, "LIST_METRICS", metric)
    scores, distance = torch.tensor([[3.0, 1.0], [0.0, 1.0]]), torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    found = reward_declarations.list_metrics(scores, -scores, 1 / distance, distance)
    assert found["nearest"].tolist() == [1, 0]
    assert found["cosine_nearest"].tolist() == [0, 1]
    assert found["nearness_nearest"].tolist() == [1, 1]
    write_json(tmp_path / "reward/metrics.json", {"heldout/full/nearest": 0.5, "heldout/full/spearman": 0.1})
    table = write_report({"reward": tmp_path / "reward"}, tmp_path / "report").tables["rewards"]
    assert table.rows[0][table.header.index("nearest")] == "0.500"


def test_item_slices_are_those_that_are_declared():
    dataset = toy_city()
    names = item_slices(dataset.items, CheckInLog.of(dataset))
    assert [f"{name}/" for pair in names for name in pair] == [part.key for part in ITEM_SLICES]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_keys_of_a_task_are_distinct_and_its_primary_metric_comes_first(task):
    assert len(set(task.keys)) == len(task.keys)
    assert task.columns[0].key == task.primary
