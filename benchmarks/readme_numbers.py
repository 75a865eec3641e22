"""Fill README.md and benchmarks/README.md from files, so that no number and no config in them is typed.

    python benchmarks/readme_numbers.py                   # writes them
    python benchmarks/readme_numbers.py --check           # exit code 1 if one is not what it would write
    python benchmarks/readme_numbers.py --demo runs/demo  # takes docs/map.png and docs/demo.txt from a run, then writes

A table goes between `<!-- numbers: KIND RESULT -->` and `<!-- /numbers -->`: KIND is one of `TABLES`, RESULT a folder
of `benchmarks/results`, whose files are the seeds. A file goes between `<!-- file: PATH -->` and `<!-- /file -->`,
a part of one between `<!-- lines: PATH | FROM | TO -->` and `<!-- /lines -->`: from the first line that is FROM to the
line before the next one that is TO. Where there is no such file, nothing is written between the marks.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from lgsid.artefacts.files import atomic_path, read_json, write_text
from lgsid.errors import LgsidError
from lgsid.report.report_table import ReportTable

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "benchmarks/README.md")
MARKED = re.compile(r"(<!-- numbers: (?P<kind>\S+) (?P<result>\S+) -->\n).*?(<!-- /numbers -->)", re.DOTALL)
QUOTED = re.compile(r"(<!-- file: (?P<path>\S+) -->\n).*?(<!-- /file -->)", re.DOTALL)
EXCERPT = re.compile(
    r"(<!-- lines: (?P<path>\S+) \| (?P<first>.+?) \| (?P<end>.+?) -->\n).*?(<!-- /lines -->)", re.DOTALL
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
PICTURE_WIDTH = 1400  # pixels: sharp on a screen, small in the repository
LANGUAGES = {".yaml": "yaml", ".py": "python", ".txt": "text"}
RANKING = {
    "Hit@1": "test/hit@1",
    "Hit@10": "test/hit@10",
    "MRR@10": "test/mrr@10",
    "Hit@10, new places": "test/new/hit@10",
    "MRR@10, new places": "test/new/mrr@10",
}
EXPLORE = {
    "Hit@1, among new": "test/explore/hit@1",
    "Hit@5, among new": "test/explore/hit@5",
    "Hit@10, among new": "test/explore/hit@10",
    "MRR@10, among new": "test/explore/mrr@10",
}
CLICKS = {"AUC": "test/auc", "GAUC": "test/gauc", "AUC, near negatives": "test/near_auc"}
Runs = Sequence[Mapping[str, Any]]


def mean(values: Iterable[float | None], digits: int = 3) -> str:
    """Write the mean of what was measured, a dash for nothing."""
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    return f"{statistics.fmean(known):.{digits}f}" if known else "-"


def models(runs: Runs, key: str, columns: Mapping[str, str], digits: int) -> ReportTable:
    """Compare models: one row each, in the order of the first column that is an MRR or else the first."""
    main = next((metric for metric in columns.values() if "mrr" in metric), next(iter(columns.values())))
    found: dict[str, list[Mapping[str, float]]] = {}
    for run in runs:
        for model in run.get(key, ()):
            found.setdefault(model["name"], []).append(model["metrics"])
    ranked = sorted(found, key=lambda name: -statistics.fmean(m.get(main, -math.inf) for m in found[name]))
    rows = tuple(
        (name, *(mean((metrics.get(metric) for metrics in found[name]), digits) for metric in columns.values()))
        for name in ranked
    )
    return ReportTable("", ("model", *columns), rows)


def leaderboard(runs: Runs) -> ReportTable:
    """Compare recommenders."""
    return models(runs, "leaderboard", RANKING, 3)


def explore(runs: Runs) -> ReportTable:
    """Compare recommenders on places new to the user, ranked among the places new to the user."""
    return models(runs, "leaderboard", EXPLORE, 3)


def click_through(runs: Runs) -> ReportTable:
    """Compare models of the click-through task."""
    return models(runs, "click_through", CLICKS, 4)


def alignment(runs: Runs) -> ReportTable:
    """Compare vectors before and after."""
    measured = [run["alignment"] for run in runs if run.get("alignment")]
    keys = sorted({key.partition("/")[2] for metrics in measured for key in metrics if key.startswith("before/")})
    rows = tuple(
        (key, *(mean(metrics.get(f"{when}/{key}") for metrics in measured) for when in ("before", "after")))
        for key in keys
    )
    return ReportTable("", ("", "before", "after"), rows)


def reward(runs: Runs) -> ReportTable:
    """Compare the rewards by Spearman with minus distance, on held-out places."""
    found: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for run in runs:
        for stage, metrics in run.get("rewards", {}).items():
            for kind in sorted({key.split("/")[1] for key in metrics if key.endswith("/spearman")}):
                values = {
                    key.rpartition("/")[2]: value for key, value in metrics.items() if key.split("/")[1:2] == [kind]
                }
                found.setdefault((stage, kind), []).append(values)
    rows = tuple(
        (*names, *(mean(metrics.get(key) for metrics in found[names]) for key in ("spearman", "cosine_spearman")))
        for names in found
    )
    return ReportTable("", ("reward", "prompts", "Spearman", "frozen cosine"), rows, 2)


def semantic_ids(runs: Runs) -> ReportTable:
    """Compare the quality cards of the sets of semantic IDs."""
    names = sorted({name for run in runs for name in run.get("semantic_ids", {})})
    cards = {name: [run["semantic_ids"][name]["card"] for run in runs if name in run["semantic_ids"]] for name in names}
    depths = max((len(card.get("by_depth", ())) for found in cards.values() for card in found), default=0)
    header = ("semantic IDs", "distinct / items", *(f"km in a prefix of {depth + 1}" for depth in range(depths)))
    rows = tuple(
        (
            name,
            mean(card.get("distinct_share") for card in cards[name]),
            *(mean((km_at(card, depth) for card in cards[name]), 2) for depth in range(depths)),
        )
        for name in names
    )
    return ReportTable("", header, rows)


def km_at(card: Mapping[str, Any], depth: int) -> float | None:
    """Return the median km between places of a prefix."""
    levels = card.get("by_depth", ())
    near = levels[depth].get("km") if depth < len(levels) else None
    return None if near is None else float(near["p50"])


def cost(runs: Runs) -> ReportTable:
    """Say what each stage took."""
    names = list(dict.fromkeys(name for run in runs for name in run.get("stages", {})))
    taken = {name: [run["stages"][name] for run in runs if name in run["stages"]] for name in names}
    rows = tuple(
        (
            name,
            mean((s.get("seconds") for s in taken[name]), 0),
            mean((s.get("peak_memory_mb") for s in taken[name]), 0),
        )
        for name in names
    )
    total = mean([sum(stage.get("seconds", 0.0) for stage in run["stages"].values()) for run in runs], 0)
    return ReportTable("", ("stage", "seconds", "peak MB"), (*rows, ("all", total, "")))


TABLES: Mapping[str, Callable[[Runs], ReportTable]] = {
    "leaderboard": leaderboard,
    "explore": explore,
    "click_through": click_through,
    "alignment": alignment,
    "reward": reward,
    "semantic_ids": semantic_ids,
    "cost": cost,
}


def filled(text: str, root: Path) -> str:
    """Return `text` with everything between marks written anew from the files of the checkout at `root`."""

    def table(match: re.Match[str]) -> str:
        folder = root / "benchmarks" / "results" / match["result"]
        runs = [read_json(path) for path in sorted(folder.glob("*.json"))]
        if not runs:
            return match[1] + match[4]
        body = TABLES[match["kind"]](runs).markdown_rows()
        if len(runs) > 1:
            body += f"\n\nMean over the seeds {', '.join(str(run.get('seed')) for run in runs)}."
        return f"{match[1]}\n{body}\n\n{match[4]}"

    def quote(match: re.Match[str]) -> str:
        path = root / match["path"]
        if not path.is_file():
            return match[1] + match[3]
        content = path.read_text(encoding="utf-8").rstrip()
        return f"{match[1]}\n```{LANGUAGES.get(path.suffix, '')}\n{content}\n```\n\n{match[3]}"

    def excerpt(match: re.Match[str]) -> str:
        path = root / match["path"]
        if not path.is_file():
            return match[1] + match[5]
        lines = path.read_text(encoding="utf-8").splitlines()
        if match["first"] not in lines or match["end"] not in lines[lines.index(match["first"]) :]:
            raise LgsidError(f"{match['path']}: has no lines {match['first']!r} and {match['end']!r}, in this order")
        first = lines.index(match["first"])
        content = "\n".join(lines[first : lines.index(match["end"], first)]).rstrip()
        return f"{match[1]}\n```{LANGUAGES.get(path.suffix, '')}\n{content}\n```\n\n{match[5]}"

    return EXCERPT.sub(excerpt, QUOTED.sub(quote, MARKED.sub(table, text)))


def take_demo(run_folder: Path, docs: Path) -> None:
    """Take the map of a demo run, in 256 colours, and what it printed at its end, without any."""
    report = run_folder / "report"
    with Image.open(report / "map.png") as image, atomic_path(docs / "map.png") as partial:
        image.thumbnail((PICTURE_WIDTH, 10 * PICTURE_WIDTH))
        image.convert("RGB").quantize(256).save(partial, format="png", optimize=True)
    printed = ANSI.sub("", (report / "report.ansi").read_text(encoding="utf-8"))
    write_text(docs / "demo.txt", "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()) + "\n")


def main() -> None:
    """Write the documents, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    parser.add_argument("--check", action="store_true", help="do not write; exit code 1 if something would change")
    parser.add_argument("--demo", type=Path, metavar="RUN_FOLDER", help="take the picture and the output of this run")
    options = parser.parse_args()
    if options.demo is not None:
        take_demo(options.demo, options.root / "docs")
    stale = False
    for path in (options.root / name for name in DOCUMENTS if (options.root / name).is_file()):
        old = path.read_text(encoding="utf-8")
        new = filled(old, options.root)
        stale |= old != new
        if not options.check:
            write_text(path, new)
    if options.check:
        sys.exit(int(stale))


if __name__ == "__main__":
    main()
