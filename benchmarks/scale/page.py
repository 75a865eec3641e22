"""docs/scale_measured.md: what was measured, how it grows, and what a hundred million places would take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from lgsid.artefacts.files import read_json, write_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale_measured.md"
TARGET = 100_000_000
ORDER = ("places", "embed", "sample", "fit", "tokenize", "card", "neighbors")
SAMPLED = ("fit",)  # stages whose input is a sample of one size
SAMPLES = ("sample", "fit")  # stages whose files are of a sample of one size
HEAD = """# What catalogues in parts were measured to take

Written by `python benchmarks/scale --page` from `benchmarks/results/scale/`; measured by
`python benchmarks/scale --folder FOLDER --sizes {sizes}`. Synthetic places in cities of a power law
(`benchmarks/scale/synthetic_places.py`), one process, one thread: {processor}, {memory:.0f} GiB of memory, that other
work shared; so CPU seconds say what a stage costs, and the seconds that passed do not. The vectors are those of
`HashedWords`, which is cheap; the default encoder is measured by itself below. For a cluster: [scale](scale.md).
"""


def write(results: Path, page: Path = PAGE) -> None:
    """Write the page from all result files there are."""
    runs = [read_json(path) for path in results.glob("*.json") if path.stem.isdigit()]
    runs.sort(key=lambda run: int(run["places"]))
    complete = [run for run in runs if run["stages"]]
    for run in complete:
        run["stages"] = {name: run["stages"][name] for name in ORDER if name in run["stages"]}
    if not complete:
        return
    about = complete[-1]["machine"]
    sizes = " ".join(str(run["places"]) for run in complete)
    text = HEAD.format(sizes=sizes, processor=about["processor"], memory=about["memory_gb"])
    text += measured_table(complete) + growth_table(complete) + card_table(complete)
    if (results / "minilm.json").exists():
        text += minilm_table(read_json(results / "minilm.json"))
    write_text(page, text)


def measured_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of all stages of all sizes."""
    rows = [
        (
            f"{run['places']:,}",
            f"{stage['title']}{' (resumed)' if stage.get('resumed') else ''}",
            f"{stage['cpu_seconds']:,.0f}",
            f"{stage['seconds']:,.0f}",
            f"{stage['peak_mb']:,.0f}",
            f"{stage['disk_mb']:,.0f}",
        )
        for run in runs
        for stage in run["stages"].values()
    ]
    heads = ("places", "stage", "CPU s", "s passed", "peak memory, MiB", "disk, MiB")
    return "\n## Measured\n\n" + table(heads, rows, ":--|:--|--:|--:|--:|--:")


def growth_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of slopes, and of the extrapolation with its arithmetic."""
    rows = []
    for name, title in {name: stage["title"] for run in runs for name, stage in run["stages"].items()}.items():
        known = [(run["places"], run["stages"][name]["cpu_seconds"]) for run in runs if name in run["stages"]]
        slope, interval = slope_of(known)
        last, seconds = known[-1]
        used = 0.0 if name in SAMPLED else max(slope, 1.0)
        total = seconds * (TARGET / last) ** used
        written = f"{seconds:,.0f} s x ({TARGET:,} / {last:,})^{used:.2f} = {total:,.0f} s"
        disk = runs_disk(runs, name, last)
        rows.append((title, f"{slope:.2f}", interval, f"{written} = {total / 3600:,.1f} h", f"{disk:,.0f}"))
    text = f"""
## How it grows, and {TARGET:,} places on paper

Slope: of log CPU seconds over log places, by least squares over the sizes above, with the 95 % Student interval where
there are three sizes or more. A stage has a fixed part (imports, the tokenizer), which lowers the slope of small sizes;
so what is extrapolated is the largest size that was measured, with the slope or 1, whichever is larger. The fit is on a
sample of one size and is taken as it is. Hours are of one core; parts are independent, so that w cores take a w-th of
it, but for the places of crowded first codes, which are assigned in one process. Disk is in proportion to the places.

"""
    heads = ("stage", "slope", "interval", f"CPU time of {TARGET:,} places, one core", "disk, GiB")
    return text + table(heads, rows, ":--|--:|:--|:--|--:")


def runs_disk(runs: Sequence[Mapping[str, Any]], name: str, places: int) -> float:
    """Return the disk in GiB that a stage would take of `TARGET` places, from its largest size."""
    megabytes = next(run["stages"][name]["disk_mb"] for run in reversed(runs) if name in run["stages"])
    return float(megabytes * (1 if name in SAMPLES else TARGET / places) / 1024)


def slope_of(known: Sequence[tuple[float, float]]) -> tuple[float, str]:
    """Return the slope of log seconds over log places, and its interval as a text."""
    if len(known) < 2:
        return math.nan, "-"
    x, y = np.log([[places, max(seconds, 0.1)] for places, seconds in known]).T
    found = stats.linregress(x, y)
    if len(known) < 3:
        return float(found.slope), "-"
    half = float(stats.t.ppf(0.975, len(known) - 2) * found.stderr)
    return float(found.slope), f"{found.slope - half:.2f} to {found.slope + half:.2f}"


def card_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return what the cards say of the semantic IDs of each size."""
    rows = []
    for run in (run for run in runs if "card" in run):
        card, first = run["card"], run["card"]["first_code"]
        rows.append(
            (
                f"{run['places']:,}",
                f"{card['before_resolution']['collision_rate']:.3f}",
                f"{card['collision_rate']:.3f}",
                f"{first['prefixes']:,}",
                f"{first['largest']:,}",
                f"{run['spread'].get('rows', 0):,}",
                f"{first['ami']['category']:.3f}",
                f"{first['ami']['region_2']:.3f}",
            )
        )
    heads = ("places", "collisions before", "after", "first codes", "largest", "spread", "AMI category", "AMI region")
    said = "\n## The semantic IDs\n\nFirst codes that hold more places than codes lie below them are spread.\n\n"
    return said + table(heads, rows, ":--" + "|--:" * 7) if rows else ""


def minilm_table(found: Mapping[str, Any]) -> str:
    """Return the rate of the default encoder and what it would take."""
    rate = found["places_a_second"]
    rows = [
        (f"{places:,}", f"{places:,} / {rate:,.1f} = {places / rate:,.0f} s = {places / rate / 3600:,.1f} h")
        for places in (10_000_000, TARGET)
    ]
    return f"""
## The default text encoder

`python benchmarks/scale --folder FOLDER --minilm {found["places"]}`: {found["places"]:,} places through MiniLM,
loading not counted: {rate:,.1f} places for each CPU second, on one thread of the same machine. Not in the tables
above. An accelerator is what makes it quick; measure yours on one part.

""" + table(("places", "embedding, one core"), rows, ":--|:--")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], ruler: str) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(heads)} |", f"|{ruler}|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"
