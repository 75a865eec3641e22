"""The measurement of growth: what it runs, keeps, and makes of the numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks" / "speed" / "growth"


@pytest.fixture(scope="module")
def curves():
    sys.path.insert(0, str(FOLDER))
    import curves

    yield curves
    sys.path.remove(str(FOLDER))


def measurements(case, power, sizes=(1000, 10_000, 100_000), scale=1e-4):
    rows = [{"case": case, "places": n, "cpu_seconds": scale * n**power, "peak_mb": 200 + n // 100} for n in sizes]
    return [*rows, {"case": case, "places": 1_000_000, "failed": "not done after 3600 s"}]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_a_power(curves, power):
    assert curves.exponent(measurements("card", power, scale=0.1), "card") == pytest.approx(power)
    assert curves.exponent(measurements("card", power, scale=0.1), "city") is None


def test_times_too_short_to_tell_are_left_out(curves):
    rows = measurements("card", 1.0)
    rows[0]["cpu_seconds"] = curves.LEAST_SECONDS / 2
    assert curves.exponent(rows, "card") == pytest.approx(1.0)
    assert curves.exponent(measurements("card", 1.0, sizes=(1000,), scale=1.0), "card") is None


def test_a_picture_is_drawn_of_what_is_there(curves, tmp_path):
    rows = measurements("card", 1.0) + measurements("hier_hashed", 1.2)
    titles = {"hier_hashed": "HierTokenizer", "card": "Card", "city": "City"}
    machine = {"processor": "a", "threads": 1, "cores": 2}
    result = {"machine": machine, "titles": titles, "exponents": {"card": 1.0}, "measurements": rows}
    curves.draw(result, tmp_path / "growth.png")
    with Image.open(tmp_path / "growth.png") as image:
        assert min(image.size) > 500


@pytest.mark.slow
def test_a_measurement_replaces_the_earlier_one_of_its_case_and_size(tmp_path):
    result = tmp_path / "growth.json"
    other = {"case": "counter_suffix", "places": 200, "cpu_seconds": 1.5, "peak_mb": 250, "input_mb": 1}
    earlier = {"case": "counter_suffix", "places": 300, "failed": "not done after 3600 s"}
    result.write_text(json.dumps({"measurements": [earlier, other]}), encoding="utf-8")
    call = [sys.executable, str(FOLDER), "--result", str(result), "--threads", "1", "--only", "counter_suffix"]
    done = subprocess.run([*call, "--sizes", "300"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(result.read_text(encoding="utf-8"))
    kept, measured = found["measurements"]
    assert kept == other
    assert (measured["case"], measured["places"]) == ("counter_suffix", 300)
    assert measured["peak_mb"] >= measured["input_mb"] > 0
    assert "failed" not in measured
    assert found["machine"]["threads"] == 1
    assert result.with_suffix(".png").is_file()
