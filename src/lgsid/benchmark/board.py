"""All results of a suite on one dataset: complete, of one kind, and compared."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lgsid.artefacts.files import read_json, write_text
from lgsid.artefacts.hashes import file_hash
from lgsid.artefacts.names import check_inside
from lgsid.benchmark.cell import Cell, cells_of
from lgsid.benchmark.comparison import PER_TEST, REPLICATES, Comparison
from lgsid.benchmark.definition import canonical_hash, equal_definitions
from lgsid.benchmark.entries import DATA_STAGE
from lgsid.benchmark.result_file import SCHEMA_VERSION, read_result
from lgsid.benchmark.suite import Suite, SuiteDataset
from lgsid.errors import LgsidError

COMPARISON_FILE = "comparison.json"
TOLERANCE = 1e-4  # result files hold single precision


@dataclass(frozen=True)
class Board:
    """The results of a suite on one dataset.

    Args:
        suite: The suite.
        dataset: The dataset.
        cells: Method -> its cells, by seed.
        results: Method -> its results, in the same order.
    """

    suite: Suite
    dataset: SuiteDataset
    cells: Mapping[str, Sequence[Cell]]
    results: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def digests(self) -> dict[str, str]:
        """Name of each cell -> digest of its result file."""
        pairs = [
            (cell.name, result["digest"])
            for name, cells in self.cells.items()
            for cell, result in zip(cells, self.results[name], strict=True)
        ]
        return dict(pairs)

    @classmethod
    def read(cls, suite: Suite, dataset: SuiteDataset, results: Path, runs: Path) -> Board | None:
        """Read the result files of a suite on one dataset; `None` if there is not one.

        Raises:
            LgsidError: if a file is bad, cells are missing, or the files do not belong together.
        """
        return cls.of([cell for cell in cells_of(suite, runs) if cell.dataset == dataset], results)

    @classmethod
    def of(cls, cells: Sequence[Cell], results: Path) -> Board | None:
        """Read the result files of all cells of a suite on one dataset; `None` if there is not one.

        Raises:
            LgsidError: if a file is bad, cells are missing, or the files do not belong together.
        """
        suite, dataset = cells[0].suite, cells[0].dataset
        folder = results / suite.name / dataset.key
        if not any(path.name != COMPARISON_FILE for path in folder.glob("*.json")):
            return None
        check_files(folder, cells, results)
        read = {cell.name: read_result(cell.result_path(results)) for cell in cells}
        for cell in cells:
            check_cell(cell, read[cell.name], cell.result_path(results), equal_definitions(results))
        check_together({str(cell.result_path(results)): read[cell.name] for cell in cells})
        grouped: dict[str, list[Cell]] = {}
        for cell in cells:
            grouped.setdefault(cell.method.name, []).append(cell)
        return cls(suite, dataset, grouped, {name: [read[c.name] for c in group] for name, group in grouped.items()})

    def comparison(self, results: Path, runs: Path) -> Comparison:
        """Return the statistics of the board: those on file if they were made from these results, else new ones.

        Raises:
            LgsidError: if they have to be made and the results of every user are not here, or the numbers of a
                result file do not follow from them.
        """
        path = results / self.suite.name / self.dataset.key / COMPARISON_FILE
        if path.is_file():
            kept = read_json(path)
            body = {key: value for key, value in kept.items() if key != "digest"}
            if kept.get("digest") != canonical_hash(body):
                raise LgsidError(f"{path}: was changed after it was written; delete it and report again")
            if kept.get("cells") == self.digests and kept.get("schema") == SCHEMA_VERSION:
                return Comparison.from_dict(kept["comparison"])
        files = {name: [self.per_user_path(c, r, runs) for c, r in self.pairs(name)] for name in self.cells}
        present = {name: [path for path in paths if path is not None] for name, paths in files.items()}
        data = next(iter(self.cells.values()))[0].pipeline.folder(DATA_STAGE)
        tests = len(self.suite.primaries) * sum(1 + (m.against is not None) for m in self.suite.methods.values())
        found = self.suite.task.compare(self.results, present, data, max(REPLICATES, PER_TEST * tests))
        self.check_numbers(found)
        body = {"schema": SCHEMA_VERSION, "cells": self.digests, "comparison": found.to_dict()}
        write_text(path, json.dumps({**body, "digest": canonical_hash(body)}, sort_keys=True, allow_nan=False) + "\n")
        return found

    def pairs(self, method: str) -> list[tuple[Cell, Mapping[str, Any]]]:
        """Return the cells of a method with their results."""
        return list(zip(self.cells[method], self.results[method], strict=True))

    def per_user_path(self, cell: Cell, result: Mapping[str, Any], runs: Path) -> Path | None:
        """Return the file with the results of every user, `None` if the task has none.

        Raises:
            LgsidError: if it is not here, or is not the one that the result was made from.
        """
        kept = result.get("per_user")
        if kept is None:
            return None
        check_inside(str(kept["file"]), f"{self.suite.name}: {cell.name}: per_user")
        path: Path = runs / str(kept["file"])
        again = f"run `lgsid benchmark run {self.suite.source} --only '{cell.name}'`"
        if not path.is_file():
            raise LgsidError(f"{path}: the results of every user are not here, and the intervals need them; {again}")
        if file_hash(path) != kept["sha256"]:
            raise LgsidError(f"{path}: is not what {cell.name} was made from; {again}")
        return path

    def check_numbers(self, found: Comparison) -> None:
        """Compare the means over users with the numbers of the result files.

        Raises:
            LgsidError: naming the first that differs.
        """
        for name, values in found.values.items():
            for key, (value, _, _) in values.items():
                stated = [result["metrics"][key] for result in self.results[name] if key in result["metrics"]]
                if stated and not math.isclose(value, statistics.fmean(stated), rel_tol=TOLERANCE, abs_tol=TOLERANCE):
                    raise LgsidError(
                        f"{self.suite.name}/{self.dataset.key}/{name}: {key} is {statistics.fmean(stated):.6f} in the"
                        f" result files and {value:.6f} by the results of every user; run the cells again"
                    )


def check_files(folder: Path, cells: Sequence[Cell], results: Path) -> None:
    """Refuse a folder that lacks cells, or has others.

    Raises:
        LgsidError: naming the missing seeds of the first method, or the first other file.
    """
    suite = cells[0].suite
    expected = {cell.result_path(results): cell for cell in cells}
    other = sorted(set(folder.glob("*.json")) - set(expected) - {folder / COMPARISON_FILE})
    if other:
        raise LgsidError(f"{other[0]}: suite {suite.name} has no such cell; delete the file, or add it to the suite")
    missing = [cell for path, cell in expected.items() if not path.is_file()]
    if missing:
        first = missing[0]
        seeds = ", ".join(str(c.seed) for c in missing if c.method == first.method and c.seed is not None)
        words = f"seed{'s' if ',' in seeds else ''} {seeds} of {first.method.name}" if seeds else first.method.name
        raise LgsidError(
            f"{folder}: lacks {len(missing)} of {len(cells)} results, the first {words}; run"
            f" `lgsid benchmark run {suite.source} --only '{first.dataset.key}/*/*'`"
        )


def check_cell(
    cell: Cell, result: Mapping[str, Any], path: Path, equal: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Refuse a result that is not what its suite asks for, or not repeatable.

    Args:
        cell: The cell.
        result: Content of the result file.
        path: The result file.
        equal: Definition of older results -> definition that it is equal to.

    Raises:
        LgsidError: saying why.
    """
    stated = (result["suite"], result["task"], result["dataset"]["name"], result["dataset"]["split"])
    asked = (cell.suite.name, cell.suite.task.name, cell.dataset.name, cell.dataset.split)
    if stated != asked or (result["method"]["name"], result["seed"]) != (cell.method.name, cell.seed):
        raise LgsidError(f"{path}: is the result of another cell ({'/'.join(stated)}); put it where it belongs")
    if cell.definition not in (result["definition"], equal.get(result["definition"])):
        raise LgsidError(f"{path}: was made with other settings than suite {cell.suite.name} asks for; run it again")
    if result["method"]["role"] != cell.method.role:
        raise LgsidError(f"{path}: says role {result['method']['role']}, the suite {cell.method.role}; run it again")
    for stage, record in result["stages"].items():
        if record["dirty"]:
            raise LgsidError(
                f"{path}: stage {stage} was run from a checkout with uncommitted changes, so nobody can repeat it;"
                " commit them and run it again"
            )


def check_together(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse results of different data.

    Raises:
        LgsidError: naming the file whose data differ from most.
    """
    hashes = {path: result["dataset"]["data_hash"] for path, result in results.items()}
    usual = statistics.mode(hashes.values())
    for path, value in hashes.items():
        if value != usual:
            raise LgsidError(
                f"{path}: was measured on other data (data hash {value[:8]}) than the other results here"
                f" ({usual[:8]}); run it again on the same data"
            )
