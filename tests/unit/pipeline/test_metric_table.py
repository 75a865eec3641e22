"""The metrics that the terminal shows: few, readable, and those that matter."""

import io

from rich.console import Console

from lgsid.metrics.slices import ranking_slices
from lgsid.pipeline.metric_table import MOST, metric_line, metric_table, number

RANKING = {
    f"test/{part.key}{name}@{k}": 0.123456789
    for part in ranking_slices()
    for name in ("hit", "mrr", "ndcg", "km")
    for k in (1, 5, 10)
}


def shown(metrics):
    buffer = io.StringIO()
    Console(file=buffer, width=80).print(metric_table(metrics, "run/metrics.json"))
    return buffer.getvalue().splitlines()


def test_many_metrics_become_a_dozen_with_few_digits():
    lines = shown({"test/mrr@10": 0.98765432, **RANKING} | {"test/mrr@10": 0.98765432})
    assert lines[0].split() == ["metric", "value"]
    assert 8 <= len(lines) - 2 <= MOST
    rows = [line.rsplit(maxsplit=1) for line in lines[1:-1]]
    assert ["MRR@10", "0.988"] in rows
    assert all(len(value) <= 5 for _, value in rows)
    assert lines[-1].strip() == f"{len(RANKING) - (len(lines) - 2)} more metrics in run/metrics.json"


def test_each_metric_has_a_row_of_its_own():
    rows = [line.rsplit(maxsplit=1)[0] for line in shown(RANKING)[1:-1]]
    assert len(set(rows)) == len(rows)


def test_metrics_that_nothing_declares_are_shown_by_name():
    lines = shown({"heldout/full/spearman": 0.5, "plugin/score": None, "n": 1234.0})
    assert [line.split() for line in lines[1:-1]] == [
        ["heldout/full/spearman", "0.5000"],
        ["plugin/score", "-"],
        ["n", "1,234"],
    ]
    assert lines[-1].strip() == "also in run/metrics.json"


def test_one_line_names_the_monitored_metric_else_what_judges():
    metrics = {"train/loss": 1.0, "val/auc": 0.75, "val/other": 2.0}
    assert metric_line(metrics, "val/other") == "val/other 2.0000"
    assert metric_line(metrics, "val/gone") == "val/auc 0.7500"
    assert metric_line({"train/loss": 1.0}) == "train/loss 1.0000"
    assert metric_line({"val/a": 1.0, "val/b": 2.0}) == "val/a 1.0000, val/b 2.0000"
    assert metric_line({}) == ""


def test_numbers():
    assert [number(x, 3) for x in (0.0, 0.12345, 0.00001, -1.5, 4096.0, None)] == [
        "0.000",
        "0.123",
        "1.0e-05",
        "-1.500",
        "4,096",
        "-",
    ]
