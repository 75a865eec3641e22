"""`lgsid benchmark run | list | report | check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command
from lgsid.terminal import columns, tell

if TYPE_CHECKING:
    from lgsid.benchmark.cell import Cell
    from lgsid.benchmark.estimate import Costs

RESULTS, RUNS = "benchmarks/results", "runs/benchmark"
TABLES_FILE, PAGE_FILE = "README.md", "leaderboard.html"


@command(reads_configs=True)
def run(
    suite: str,
    *,
    only: Sequence[str] = (),
    dry_run: bool = False,
    verify: bool = False,
    results: str = RESULTS,
    runs: str = RUNS,
) -> None:
    """Run a suite; what is complete is kept, so start it again at will.

    Args:
        suite: YAML file, or the name of a suite that lgsid or a plugin carries (smoke).
        only: Only dataset.split/method/seed, or one of these; `*` and `?` are understood (repeatable).
        dry_run: Say what would run, why, and what it cost before.
        verify: Read every file of earlier results to see whether it is as its stage wrote it; by default only files
            whose size or time has changed are read.
        results: Folder of result files.
        runs: Folder of the stages, and of the results of every user.

    Raises:
        LgsidError: if the suite is wrong, or a stage fails on bad input.
    """
    from lgsid import plugins
    from lgsid.benchmark.cell import cells_of, chosen_cells
    from lgsid.benchmark.estimate import Costs
    from lgsid.benchmark.result_file import write_result
    from lgsid.benchmark.scheduler import Scheduler, check_steps, steps_of
    from lgsid.benchmark.suite import Suite
    from lgsid.benchmark.suite_note import note_suite

    plugins.load()
    table = Suite.read(suite)
    cells = chosen_cells(table, Path(runs), only)
    check_steps(steps_of(cells))
    if dry_run:
        for line in plan(cells, Costs.read(Path(runs), Path(results), table.name), verify):
            tell(line)
        return
    note_suite(table, Path(results))

    def finished(cell: Cell) -> None:
        if write_result(cell, Path(runs), Path(results)):
            tell(f"{cell.result_path(Path(results))}: written")

    Scheduler(cells, Costs.read(Path(runs), Path(results), table.name), finished, tell, verify).run()
    tell(f"{table.name}: {len(cells)} of {len(list(cells_of(table, Path(runs))))} cells complete")


def plan(cells: Sequence[Cell], costs: Costs, verify: bool = False) -> Iterator[str]:
    """Say what would run, why, and what it cost before."""
    from lgsid.benchmark.estimate import duration
    from lgsid.benchmark.scheduler import planned, steps_of

    steps = planned(steps_of(cells), verify)
    total, unknown = 0.0, 0
    for step, reason in steps:
        seconds = costs.seconds(step.stage, step.pipeline.run_folder.name)
        if reason:
            total += seconds or 0.0
            unknown += seconds is None
        yield f"{step.label}: {f'would run, {reason} ({duration(seconds)})' if reason else 'up to date'}"
    waiting = sum(bool(reason) for _, reason in steps)
    never = f"{unknown} never ran in this suite, so their time is not known"
    parts = [*([f"about {duration(total)}"] if unknown < waiting or not waiting else []), *([never] if unknown else [])]
    yield f"{len(cells)} cells, {waiting} of {len(steps)} stages would run: {', and '.join(parts)}"


@command()
def list_suites(*, results: str = RESULTS, runs: str = RUNS) -> str:
    """List suites, and how many of their results are there.

    Args:
        results: Folder of result files.
        runs: Folder of the stages, and of the results of every user.

    Raises:
        LgsidError: if a suite is wrong.
    """
    from lgsid.benchmark.cell import cells_of
    from lgsid.benchmark.entry_check import read_suites

    rows = [("suite", "results", "cells", "title")]
    for suite in read_suites((), Path(results)).values():
        cells = list(cells_of(suite, Path(runs)))
        there = sum(cell.result_path(Path(results)).is_file() for cell in cells)
        rows.append((suite.name, str(there), str(len(cells)), suite.title))
    return columns(rows)


@command()
def report(
    suites: Sequence[str] = (),
    *,
    output: str = "benchmarks",
    check: bool = False,
    results: str = RESULTS,
    runs: str = RUNS,
) -> str:
    """Write the tables and the page from the result files.

    Args:
        suites: YAML files or names. By default all that are installed, and those of your own that have results in the
            folder of result files; datasets on which one has not run to the end are left out then.
        output: Folder of README.md and leaderboard.html.
        check: Write nothing; exit code 2 if something would change.
        results: Folder of result files.
        runs: Folder of the stages, and of the results of every user.

    Raises:
        LgsidError: if results are bad, mixed or incomplete, or with `check`, if a file is not what they say.
    """
    from lgsid.artefacts.files import write_text

    texts = leaderboard_texts(suites, Path(output), Path(results), Path(runs))
    changed = [p for p, text in texts.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    if check and changed:
        raise LgsidError(f"{changed[0]}: is not what the result files say; run `lgsid benchmark report`")
    for path in changed:
        write_text(path, texts[path])
    return "\n".join(f"{path}: written" for path in changed) or f"{output}: current"


def leaderboard_texts(suites: Sequence[str], output: Path, results: Path, runs: Path) -> dict[Path, str]:
    """Return the tables and the page of all suites that have results, by file."""
    from lgsid import plugins
    from lgsid.benchmark.entry_check import read_suites
    from lgsid.benchmark.leaderboard import leaderboard
    from lgsid.benchmark.markdown_tables import markdown, with_tables
    from lgsid.benchmark.page import page_html

    plugins.load()
    read = read_suites(suites, results)
    values = leaderboard(list(read.values()), results, runs, incomplete_too=not suites)
    if not values["suites"]:
        raise LgsidError(f"{results}: no results of {', '.join(read)}; `lgsid benchmark run` makes them")
    tables = output / TABLES_FILE
    old = tables.read_text(encoding="utf-8") if tables.is_file() else ""
    return {tables: with_tables(old, markdown(values, read)), output / PAGE_FILE: page_html(values)}


@command()
def check(files: Sequence[str], *, suite: Sequence[str] = (), results: str = RESULTS, runs: str = RUNS) -> None:
    """Say whether result files may enter the leaderboard.

    Args:
        files: Result files.
        suite: Suite they may belong to (repeatable), if its file is not where `lgsid benchmark run` found it.
        results: Folder of result files.
        runs: Folder of the stages, and of the results of every user.

    Raises:
        LgsidError: if one may not.
    """
    from lgsid.benchmark.entry_check import Folders, checked_results

    refused = 0
    for path, reason in checked_results([Path(name) for name in files], suite, Folders(Path(runs), Path(results))):
        refused += bool(reason)
        tell(f"{path}: {'refused: ' + reason if reason else 'may enter'}")
    if refused:
        raise LgsidError(f"{refused} of {len(files)} results may not enter")
