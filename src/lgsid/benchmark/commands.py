"""What `lgsid benchmark run | list | report | check` do. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lgsid import plugins
from lgsid.artefacts.files import write_text
from lgsid.benchmark.board import check_cell, check_together
from lgsid.benchmark.cell import Cell, cells_of, chosen_cells
from lgsid.benchmark.estimate import Costs, duration
from lgsid.benchmark.leaderboard import leaderboard
from lgsid.benchmark.markdown_tables import markdown, with_tables
from lgsid.benchmark.result_file import read_result, write_result
from lgsid.benchmark.scheduler import Scheduler, planned, steps_of
from lgsid.benchmark.suite import Suite, own_suites
from lgsid.errors import LgsidError

Tell = Callable[[str], None]
TABLES_FILE, PAGE_FILE = "README.md", "leaderboard.html"


@dataclass(frozen=True)
class Folders:
    """Where a benchmark keeps things.

    Args:
        runs: Results of stages, and of every user. Not for git.
        results: Result files.
    """

    runs: Path = Path("runs/benchmark")
    results: Path = Path("benchmarks/results")


def run(suite_name: str, only: Collection[str], folders: Folders, tell: Tell) -> None:
    """Run a suite, or some of its cells, and write a result file for each.

    Raises:
        LgsidError: if the suite is wrong, or a stage fails on bad input.
    """
    plugins.load()
    suite = Suite.read(suite_name)
    cells = chosen_cells(suite, folders.runs, only)

    def finished(cell: Cell) -> None:
        if write_result(cell, folders.runs, folders.results):
            tell(f"{cell.result_path(folders.results)}: written")

    Scheduler(cells, Costs.read(folders.runs, folders.results), finished, tell).run()
    tell(f"{suite.name}: {len(cells)} of {len(list(cells_of(suite, folders.runs)))} cells complete")


def plan(suite_name: str, only: Collection[str], folders: Folders) -> Iterator[str]:
    """Say what would run, why, and what it cost before.

    Raises:
        LgsidError: if the suite is wrong.
    """
    plugins.load()
    suite = Suite.read(suite_name)
    cells = chosen_cells(suite, folders.runs, only)
    costs = Costs.read(folders.runs, folders.results)
    steps = planned(steps_of(cells))
    total, unknown = 0.0, 0
    for step, reason in steps:
        seconds = costs.seconds(step.stage, step.pipeline.run_folder.name)
        if reason:
            total += seconds or 0.0
            unknown += seconds is None
        yield f"{step.label}: {f'would run, {reason} ({duration(seconds)})' if reason else 'up to date'}"
    waiting = sum(bool(reason) for _, reason in steps)
    rest = f", and {unknown} that never ran before" if unknown else ""
    yield f"{len(cells)} cells, {waiting} of {len(steps)} stages would run: about {duration(total)}{rest}"


def listing(folders: Folders, suites: Sequence[Path] | None = None) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, result files at hand, cells and title of each suite.

    Raises:
        LgsidError: if a suite is wrong.
    """
    plugins.load()
    for path in own_suites() if suites is None else suites:
        suite = Suite.read(path)
        cells = list(cells_of(suite, folders.runs))
        there = sum(cell.result_path(folders.results).is_file() for cell in cells)
        yield suite.name, str(there), str(len(cells)), suite.title


def report(suites: Sequence[str], folders: Folders, output: Path, check: bool = False) -> list[Path]:
    """Write the tables and the page of all suites that have results.

    Args:
        suites: Names or paths; lgsid's own if empty.
        folders: Where things are.
        output: Folder for `README.md` and `leaderboard.html`.
        check: Write nothing.

    Returns:
        The files that were written, or with `check` those that would change.

    Raises:
        LgsidError: if results are bad, mixed or incomplete.
    """
    from lgsid.benchmark.page import page_html

    plugins.load()
    read = read_suites(suites)
    values = leaderboard(list(read.values()), folders.results, folders.runs)
    if not values["suites"]:
        raise LgsidError(f"{folders.results}: no results of {', '.join(read)}; `lgsid benchmark run` makes them")
    tables = output / TABLES_FILE
    old = tables.read_text(encoding="utf-8") if tables.is_file() else ""
    texts = {tables: with_tables(old, markdown(values, read)), output / PAGE_FILE: page_html(values)}
    changed = [p for p, text in texts.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    if not check:
        for path in changed:
            write_text(path, texts[path])
    return changed


def check(paths: Sequence[Path], suites: Sequence[str], folders: Folders) -> Iterator[tuple[Path, str]]:
    """Say of each result file why it may not enter the leaderboard, with an empty text if it may.

    Args:
        paths: Result files.
        suites: Names or paths of the suites that they may belong to; lgsid's own if empty.
        folders: Where things are.
    """
    plugins.load()
    known = read_suites(suites)
    for path in paths:
        yield path, reason_against(path, known, folders)


def read_suites(suites: Sequence[str]) -> dict[str, Suite]:
    """Return suites by name; lgsid's own if none is asked for."""
    return {suite.name: suite for suite in (Suite.read(path) for path in suites or own_suites())}


def reason_against(path: Path, suites: dict[str, Suite], folders: Folders) -> str:
    """Return why a result file may not enter, empty if it may."""
    try:
        check_one(path, suites, folders)
    except LgsidError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def check_one(path: Path, suites: dict[str, Suite], folders: Folders) -> None:
    """Refuse a result file that may not enter the leaderboard: bad, not repeatable, on other data, or a lone seed.

    Raises:
        LgsidError: saying why.
    """
    result = read_result(path)
    suite = suites.get(result["suite"])
    if suite is None:
        raise LgsidError(f"{path}: belongs to suite {result['suite']}; known suites: {', '.join(sorted(suites))}")
    cells = list(cells_of(suite, folders.runs))
    name = (result["dataset"]["name"], result["dataset"]["split"], result["method"]["name"], result["seed"])
    found = [c for c in cells if (c.dataset.name, c.dataset.split, c.method.name, c.seed) == name]
    if not found:
        raise LgsidError(f"{path}: suite {suite.name} has no cell {'/'.join(str(part) for part in name)}")
    check_cell(found[0], result, path)
    folder = path.resolve().parent
    beside = {str(p): read_result(p) for c in cells if (p := folder / c.result_path(folder).name).is_file()}
    check_together({**beside, str(path.resolve()): result})
    seeds = [c for c in cells if (c.dataset, c.method.name) == (found[0].dataset, result["method"]["name"])]
    missing = [str(c.seed) for c in seeds if not (folder / c.result_path(folder).name).is_file()]
    if missing:
        raise LgsidError(f"{path}: the results of seeds {', '.join(missing)} are missing beside it; run them too")
