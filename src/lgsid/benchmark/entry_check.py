"""Which result files may enter the leaderboard, and where a benchmark keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lgsid import plugins
from lgsid.benchmark.board import check_cell, check_together
from lgsid.benchmark.cell import Cell, cells_of
from lgsid.benchmark.definition import equal_definitions
from lgsid.benchmark.result_file import read_result
from lgsid.benchmark.suite import Suite, installed_suites
from lgsid.benchmark.suite_note import noted_suites
from lgsid.errors import LgsidError


@dataclass(frozen=True)
class Folders:
    """Where a benchmark keeps things.

    Args:
        runs: Results of stages, and of every user. Not for git.
        results: Result files.
    """

    runs: Path = Path("runs/benchmark")
    results: Path = Path("benchmarks/results")


ResultReader = Callable[[Path], dict[str, Any]]


def checked_results(paths: Sequence[Path], suites: Sequence[str], folders: Folders) -> Iterator[tuple[Path, str]]:
    """Say of each result file why it may not enter the leaderboard, with an empty text if it may.

    Args:
        paths: Result files.
        suites: Names or paths of the suites that they may belong to; if empty, those installed and those noted.
        folders: Where things are.
    """
    plugins.load()
    known = read_suites(suites, folders.results)
    cells = {name: list(cells_of(suite, folders.runs)) for name, suite in known.items()}
    read = cache(read_result)  # every file of a board is looked at beside every other
    for path in paths:
        yield path, reason_against(path, cells, folders, read)


def read_suites(suites: Sequence[str | Path], results: Path) -> dict[str, Suite]:
    """Return suites by name; those of lgsid and of plugins and those noted beside results if none is asked for.

    Args:
        suites: Names or paths; of two suites with one name the later counts.
        results: Folder of result files.
    """
    found = {} if suites else installed_suites()
    return found | {suite.name: suite for suite in map(Suite.read, suites or noted_suites(results))}


def reason_against(path: Path, suites: Mapping[str, Sequence[Cell]], folders: Folders, read: ResultReader) -> str:
    """Return why a result file may not enter, empty if it may."""
    try:
        check_one(path, suites, folders, read)
    except LgsidError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def check_one(path: Path, suites: Mapping[str, Sequence[Cell]], folders: Folders, read: ResultReader) -> None:
    """Refuse a result file that may not enter the leaderboard: bad, not repeatable, on other data, or a lone seed.

    Raises:
        LgsidError: saying why.
    """
    result = read(path)
    cells = suites.get(result["suite"])
    if cells is None:
        raise LgsidError(
            f"{path}: belongs to suite {result['suite']}; known suites: {', '.join(sorted(suites))};"
            " name its file with --suite"
        )
    name = (result["dataset"]["name"], result["dataset"]["split"], result["method"]["name"], result["seed"])
    found = [c for c in cells if (c.dataset.name, c.dataset.split, c.method.name, c.seed) == name]
    if not found:
        raise LgsidError(f"{path}: suite {result['suite']} has no cell {'/'.join(str(part) for part in name)}")
    check_cell(found[0], result, path, equal_definitions(folders.results))
    folder = path.resolve().parent
    beside = {str(p): read(p) for c in cells if (p := folder / c.result_path(folder).name).is_file()}
    check_together({**beside, str(path.resolve()): result})
    seeds = [c for c in cells if (c.dataset, c.method.name) == (found[0].dataset, result["method"]["name"])]
    missing = [str(c.seed) for c in seeds if not (folder / c.result_path(folder).name).is_file()]
    if missing:
        raise LgsidError(f"{path}: the results of seeds {', '.join(missing)} are missing beside it; run them too")
