"""The scripts that turn runs into result files, and result files into tables."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from lgsid.artefacts.files import write_json
from lgsid.errors import LgsidError

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def numbers():
    return load("readme_numbers")


def result(seed: int, mrr: float) -> dict:
    depth = [{"depth": 1, "km": {"p50": 2.0 * seed}}, {"depth": 2, "km": None}]
    return {
        "seed": seed,
        "leaderboard": [
            {"name": "tiger", "metrics": {"test/mrr@10": mrr, "test/hit@1": 0.1}},
            {"name": "counting", "metrics": {"test/mrr@10": 0.43}},
        ],
        "click_through": [{"name": "din", "metrics": {"test/auc": 0.9}}],
        "alignment": {"before/purity@5": 0.5, "after/purity@5": 0.4},
        "rewards": {
            "reward": {
                "heldout/distance/spearman": mrr,
                "heldout/distance/cosine_spearman": 0.5,
                "train/loss": 1.0,
                "reads/true/distance/spearman": 0.2,
            }
        },
        "semantic_ids": {"tokenize": {"card": {"distinct_share": 1.0, "by_depth": depth}}},
        "stages": {"data": {"seconds": 10.0 * seed, "peak_memory_mb": 100}, "tiger": {"seconds": 5.0}},
    }


def test_means_over_seeds_the_best_first(numbers):
    rows = numbers.leaderboard([result(1, 0.2), result(2, 0.4)]).rows
    assert rows == (("counting", "-", "-", "0.430", "-", "-"), ("tiger", "0.100", "-", "0.300", "-", "-"))


def test_growth_over_the_sizes(numbers):
    rows = [{"case": "card", "places": n, "cpu_seconds": n / 1000, "peak_mb": n} for n in (1000, 10_000)]
    run = {"titles": {"card": "Card", "city": "City"}, "exponents": {"card": 1.0}}
    table = numbers.growth([{**run, "measurements": [*rows, {"case": "card", "places": 100_000, "failed": "slow"}]}])
    seconds, peaks = ("1,000, CPU s", "10,000, CPU s", "100,000, CPU s"), ("10,000, peak MB", "100,000, peak MB")
    assert table.header == ("", *seconds, *peaks, "exponent")
    assert table.rows == (("Card", "1.0", "10.0", "-", "10000", "-", "1.00"),)


def test_long_histories_as_ratios_the_slowest_first(numbers):
    def measured(ms, ratio):
        part = {"cpu_ms_per_query": ms, "to_reference": ratio}
        return {"step": part, "extractor": {"cpu_ms_per_query": 2 * ms, "to_reference": ratio / 2}}

    lengths = [
        {"events": 50, "models": {"A": measured(1.0, 1.0), "B": measured(2.0, 0.5)}},
        {"events": 2000, "models": {"A": measured(30.0, 1.0), "B": measured(5.0, 3.0)}},
    ]
    table = numbers.long_histories([{"lengths": lengths}])
    heads = ("step, 50", "step, 2,000", "extractor, 50", "extractor, 2,000")
    assert table.header == ("", *heads, "extractor, 2,000, CPU ms", "times that at 50")
    assert table.rows == (
        ("B", "0.50", "3.00", "0.25", "1.50", "10.00", "2.5"),
        ("A", "1.00", "1.00", "0.50", "0.50", "60.00", "30.0"),
    )


def test_other_tables(numbers):
    runs = [result(1, 0.2), result(3, 0.4)]
    assert numbers.click_through(runs).rows == (("din", "0.9000", "-", "-"),)
    assert numbers.alignment(runs).rows == (("purity@5", "0.500", "0.400"),)
    assert numbers.reward(runs).rows == (("reward", "distance", "0.300", "-", "0.500", "-", "-", "-"),)
    assert numbers.reads(runs).rows == (("reward", "true", "distance", "0.200", "-", "-", "-"),)
    assert numbers.semantic_ids(runs).rows == (("tokenize", "4.00", "-", "-", "-", "1.000"),)
    assert numbers.cost(runs).rows == (("data", "20", "100"), ("tiger", "5", "-"), ("all", "25", ""))


def test_tables_and_files_between_marks(numbers, tmp_path):
    write_json(tmp_path / "benchmarks/results/toy/1.json", result(1, 0.2))
    (tmp_path / "one.yaml").write_text("name: x\n")
    text = (
        "a\n<!-- numbers: click_through toy -->\nold\n<!-- /numbers -->\nb\n"
        "<!-- numbers: leaderboard nothing -->\nold\n<!-- /numbers -->\n"
        "<!-- file: one.yaml -->\nold\n<!-- /file -->\n<!-- file: none.yaml -->\nold\n<!-- /file -->\nc\n"
    )
    new = numbers.filled(text, tmp_path)
    assert "| din | 0.9000 | - | - |" in new
    assert "<!-- numbers: leaderboard nothing -->\n<!-- /numbers -->" in new
    assert "```yaml\nname: x\n```" in new
    assert "<!-- file: none.yaml -->\n<!-- /file -->\nc\n" in new
    assert "old" not in new
    assert numbers.filled(new, tmp_path) == new
    write_json(tmp_path / "benchmarks/results/toy/2.json", result(2, 0.4))
    assert "Mean over the seeds 1, 2." in numbers.filled(new, tmp_path)


def test_part_of_a_file_between_marks(numbers, tmp_path):
    (tmp_path / "printed.txt").write_text("End\n\nFirst table\n a 1\n\nEnd\n b 2\n")
    text = "a\n<!-- lines: printed.txt | First table | End -->\nold\n<!-- /lines -->\nb\n"
    new = numbers.filled(text, tmp_path)
    assert new == (
        "a\n<!-- lines: printed.txt | First table | End -->\n\n```text\nFirst table\n a 1\n```\n\n<!-- /lines -->\nb\n"
    )
    assert numbers.filled(new, tmp_path) == new
    with pytest.raises(LgsidError, match=r"printed\.txt: has no lines 'First table' and 'Never'"):
        numbers.filled(text.replace("| End", "| Never"), tmp_path)


def test_demo_is_taken_without_colors(numbers, tmp_path):
    report = tmp_path / "run" / "report"
    report.mkdir(parents=True)
    Image.new("RGBA", (2000, 1000), "white").save(report / "map.png")
    (report / "report.ansi").write_text("\n\x1b[38;2;1;2;3m█\x1b[0m  \nend\n")
    numbers.take_demo(tmp_path / "run", tmp_path / "docs")
    assert (tmp_path / "docs/demo.txt").read_text() == "█\nend\n"
    assert Image.open(tmp_path / "docs/map.png").size == (1400, 700)


def test_result_file_of_a_run(tmp_path):
    collect = load("collect_run")
    run = tmp_path / "run"
    write_json(run / "report/report.json", {"leaderboard": [], "figures": {"a.png": "A"}, "stages": []})
    record = {"stage": "tiger", "pipeline": "toy", "seed": 7, "seconds": 1.5, "config": {"fit": [f"{run}/data"]}}
    write_json(run / "tiger/provenance.json", record)
    found = collect.collect(run)
    assert found["pipeline"] == "toy"
    assert found["seed"] == 7
    assert found["stages"]["tiger"]["seconds"] == 1.5
    assert found["stages"]["tiger"]["config"] == {"fit": ["$RUN/data"]}
    assert "figures" not in found
    assert str(tmp_path) not in json.dumps(found)
    with pytest.raises(LgsidError, match="no report"):
        collect.collect(tmp_path / "empty")
