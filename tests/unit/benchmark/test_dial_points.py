"""Curves of settings: means over the seeds of result files."""

import pytest

from lgsid.artefacts.files import read_json, write_json
from lgsid.benchmark import dial_points as module
from lgsid.benchmark.dial_points import dial_points
from lgsid.errors import LgsidError

NUMBERS = ("purity@5", "coverage@5", "oracle_coverage@5", "last/hit@10", "last+distance/hit@10")


def test_settings_are_curves_from_small_to_large(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "read_result", read_json)  # no seal: what is read is tested elsewhere
    for name, value in (("steps_100", 0.5), ("steps_25", 0.7), ("meaning_40", 0.6), ("unaligned", 0.9)):
        for seed, change in ((1, -0.1), (2, 0.1)):
            metrics = {key: value + change + i for i, key in enumerate(NUMBERS)}
            write_json(tmp_path / f"{name}.{seed}.json", {"method": {"name": name}, "metrics": metrics})
    write_json(
        tmp_path / "distance.1.json", {"method": {"name": "distance"}, "metrics": {"last+distance/hit@10": 0.08}}
    )
    write_json(tmp_path / "comparison.json", {})
    series, unaligned, distance = dial_points(tmp_path)
    assert {name: [point.label for point in row] for name, row in series.items()} == {
        "meaning": ["40"],
        "steps": ["25", "100"],
    }
    point = series["steps"][0]
    assert (point.purity, point.oracle, point.with_distance) == pytest.approx((0.7, 2.7, 4.7))
    assert unaligned.purity == pytest.approx(0.9)
    assert distance == 0.08


def test_a_folder_without_settings_is_one_clear_line(tmp_path):
    with pytest.raises(LgsidError, match="no results of settings beside unaligned; run the suite alignment_dial"):
        dial_points(tmp_path)
