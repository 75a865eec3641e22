"""The leaderboard as plain values: what the page embeds and the tables are made from."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lgsid
from lgsid.benchmark.board import Board
from lgsid.benchmark.cell import cells_of
from lgsid.benchmark.comparison import Comparison
from lgsid.benchmark.suite import Suite, plugin_suites
from lgsid.metrics.card_view import card_rows

FORMAT = 1
DECIMALS = 5
SIZES = {"places": "places", "users": "users", "check-ins": "check_ins", "test queries": "queries"}


def leaderboard(suites: Sequence[Suite], results: Path, runs: Path, incomplete_too: bool = False) -> dict[str, Any]:
    """Read all results of suites, compare them, and return the leaderboard. Datasets without a result are left out.

    How much has run is told of all suites, but for those of plugins that have not begun.

    Args:
        suites: The suites.
        results: Folder of result files.
        runs: Folder of the results of stages, where those of every user are.
        incomplete_too: Leave out datasets on which a suite has not run to the end, too, rather than refuse them.

    Raises:
        LgsidError: if results are bad, mixed or incomplete.
    """
    shown, files, progress, of_plugins = [], 0, [], plugin_suites()
    for suite in suites:
        cells = list(cells_of(suite, runs))
        here = {cell.name for cell in cells if cell.result_path(results).is_file()}
        groups = [[cell for cell in cells if cell.dataset == dataset] for dataset in suite.datasets]
        if incomplete_too:
            groups = [group for group in groups if all(cell.name in here for cell in group)]
        boards = [board for group in groups if (board := Board.of(group, results))]
        files += sum(len(board.digests) for board in boards)
        if here or suite.source not in of_plugins:
            done = {"name": suite.name, "title": suite.title, "results": len(here), "cells": len(cells)}
            progress.append(done)
        if boards:
            views = [board_view(board, board.comparison(results, runs)) for board in boards]
            shown.append({**suite_view(suite, views), "progress": progress_text(len(here), len(cells))})
    source = f"made by `lgsid benchmark report` from {files} result files, lgsid {lgsid.__version__}"
    return {"format": FORMAT, "title": "lgsid leaderboard", "source": source, "suites": shown, "progress": progress}


def progress_text(results: int, cells: int) -> str:
    """Say how much of a suite has run."""
    return f"All {cells} cells have run." if results == cells else f"{results} of {cells} cells have run."


def suite_view(suite: Suite, boards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a suite as plain values."""
    measured = {key for board in boards for method in board["methods"] for key in method["values"]}
    slices = [part for part in suite.task.slices if any(part.key + c.key in measured for c in suite.task.columns)]
    return {
        "name": suite.name,
        "title": suite.title,
        "description": suite.description,
        "task": suite.task.name,
        "primary": suite.primary,
        "interval": suite.task.interval,
        "columns": [column.to_dict() for column in suite.task.columns],
        "slices": [part.to_dict() for part in slices],
        "boards": list(boards),
    }


def board_view(board: Board, comparison: Comparison) -> dict[str, Any]:
    """Return a board as plain values."""
    found = comparison.to_dict()
    some = next(iter(board.results.values()))[0]["dataset"]
    counted = [(word, f"{some[key]:,}") for word, key in SIZES.items() if key in some]
    cards = {name: some[0]["card"] for name, some in board.results.items() if "card" in some[0]}
    return {
        "dataset": board.dataset.name,
        "split": board.dataset.split,
        "title": board.dataset.title,
        "facts": [[*fact] for fact in (*counted, ("data hash", some["data_hash"][:8]))],
        "baseline": board.suite.baseline,
        "methods": [method_view(board, name, found["values"].get(name, {})) for name in board.cells],
        "differences": rounded(found["differences"]),
        "maps": {name: some[0]["map"] for name, some in board.results.items() if "map" in some[0]},
        "cards": {name: [list(row) for row in card_rows(card)] for name, card in cards.items()},
    }


def rounded(value: Any) -> Any:
    """Round the numbers inside nested mappings and lists to what a page can show."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def method_view(board: Board, name: str, compared: Mapping[str, Any]) -> dict[str, Any]:
    """Return a method as plain values; what was not compared by users has a mean over seeds and no interval."""
    method, results = board.suite.methods[name], board.results[name]
    values = dict(compared)
    for key in board.suite.task.keys:
        stated = [result["metrics"][key] for result in results if key in result["metrics"]]
        if stated and key not in values:
            values[key] = [statistics.fmean(stated), None, None]
    stages = [result["stages"] for result in results]
    return {
        "name": name,
        "title": method.title,
        "role": method.role,
        "against": method.against,
        "help": method.help,
        "seeds": [result["seed"] for result in results if result["seed"] is not None],
        "seconds": statistics.fmean(sum(record["seconds"] for record in group.values()) for group in stages),
        "peak_memory_mb": max(record["peak_memory_mb"] for group in stages for record in group.values()),
        "facts": facts_of([record for group in stages for record in group.values()]),
        "values": values,
    }


def facts_of(records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return what a reader needs to repeat a method: commits, versions, plugins, devices, threads."""

    def said(values: Sequence[str]) -> str:
        return ", ".join(dict.fromkeys(value for value in values if value))

    versions = {f"{name} {version}" for record in records for name, version in record["versions"].items()}
    plugins = [f"{name} {version}" for record in records for name, version in record["plugins"].items()]
    facts = [
        ("lgsid", said([record["lgsid"] for record in records])),
        ("commit", said([(record["commit"] or "")[:8] for record in records])),
        ("plugins installed", said(plugins)),
        ("device", said([record["device"] for record in records])),
        ("threads", said([str(record["threads"]) for record in records])),
        ("versions", said(sorted(versions))),
    ]
    return [[word, text] for word, text in facts if text]
