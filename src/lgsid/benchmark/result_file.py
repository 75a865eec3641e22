"""The result file of a cell: made from run folders, written once, and refused when somebody changed it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from lgsid.artefacts import Dataset
from lgsid.artefacts.files import read_json, write_json
from lgsid.artefacts.hashes import file_hash
from lgsid.artefacts.names import PROVENANCE_FILE
from lgsid.benchmark.cell import Cell
from lgsid.benchmark.definition import canonical_hash
from lgsid.benchmark.entries import DATA_STAGE
from lgsid.errors import LgsidError
from lgsid.pipeline.provenance import without_paths

SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("result.schema.json")
MEASURED = ("schema", "suite", "task", "dataset", "method", "seed", "definition", "metrics", "card", "map", "per_user")
NOT_KEPT = ("stage", "pipeline")


def write_result(cell: Cell, runs: Path, results: Path) -> bool:
    """Write the result file of a cell whose stages are complete; one that says the same stays as it is.

    Args:
        cell: The cell.
        runs: Folder of the results of stages.
        results: Folder of result files.

    Returns:
        Whether the file was written.
    """
    path, result = cell.result_path(results), result_of(cell, runs)
    if path.is_file() and read_json(path) == result:
        return False
    write_json(path, result)
    return True


def result_of(cell: Cell, runs: Path) -> dict[str, Any]:
    """Return the content of a result file.

    Raises:
        LgsidError: if the stage measured nothing, or not what the task asks for.
    """
    task, folder, data = cell.suite.task, cell.folder, cell.pipeline.folder(DATA_STAGE)
    method = {"name": cell.method.name, "role": cell.method.role, "stage": cell.method.stage}
    result: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "suite": cell.suite.name,
        "task": task.name,
        "dataset": {"name": cell.dataset.name, "split": cell.dataset.split, **dataset_facts(str(data))},
        "method": method | ({"part": cell.method.part} if cell.method.part else {}),
        "seed": cell.seed,
        "definition": cell.definition,
        "metrics": task.measured(folder, cell.method.part),
        **task.extras(folder, data),
        **(task.pictures(folder, data) if cell.seed in (None, cell.suite.seeds[0]) else {}),
    }
    if not set(task.keys) & set(result["metrics"]):
        raise LgsidError(f"{folder}: {cell.name} has no metric of task {task.name}; its stage must measure that")
    per_user = task.per_user_file(cell.method.part)
    if per_user is not None:
        path = folder / per_user
        if not path.is_file():
            raise LgsidError(f"{path}: no such file; the stage of {cell.name} must test what it trained")
        result["per_user"] = {"file": str(path.relative_to(runs)), "sha256": file_hash(path)}
    result["stages"] = {name: stage_record(cell.pipeline.folder(name), runs) for name in cell.stages()}
    return sealed(result)


@cache
def dataset_facts(folder: str) -> dict[str, Any]:
    """Return hash and sizes of a prepared dataset."""
    dataset = Dataset.read(folder)
    tested = int((dataset.interactions.frame["split"] == "test").sum())
    return {
        "data_hash": dataset.data_hash,
        "places": len(dataset.items),
        "users": len(dataset.user_ids),
        "check_ins": len(dataset.interactions.frame),
        "queries": tested,
    }


def stage_record(folder: Path, runs: Path) -> dict[str, Any]:
    """Return the provenance of a stage, without paths of this machine."""
    record = {key: value for key, value in read_json(folder / PROVENANCE_FILE).items() if key not in NOT_KEPT}
    return dict(without_paths(record, runs))


def sealed(result: Mapping[str, Any]) -> dict[str, Any]:
    """Add the hashes of what was measured and of all."""
    measured = {key: result[key] for key in MEASURED if key in result}
    complete = {**result, "outcome": canonical_hash(measured)}
    return {**complete, "digest": canonical_hash(complete)}


@cache
def validator() -> jsonschema.protocols.Validator:
    """Return what checks the form of result files."""
    return jsonschema.Draft202012Validator(read_json(SCHEMA_FILE))


def read_result(path: Path) -> dict[str, Any]:
    """Read a result file.

    Raises:
        LgsidError: if it is broken, of another version or form, or was changed after it was written.
    """
    result = read_json(path)
    if not isinstance(result, dict) or "schema" not in result:
        raise LgsidError(f"{path}: not a result of `lgsid benchmark run`")
    if result["schema"] != SCHEMA_VERSION:
        raise LgsidError(
            f"{path}: has schema version {result['schema']}, this lgsid reads {SCHEMA_VERSION}; run the cell again"
        )
    problem = jsonschema.exceptions.best_match(validator().iter_errors(result))
    if problem is not None:
        raise LgsidError(f"{path}: {problem.json_path}: {problem.message[:200]}")
    kept = {key: value for key, value in result.items() if key not in ("outcome", "digest")}
    if sealed(kept) != result:
        raise LgsidError(f"{path}: was changed after it was written (its digest does not fit); run the cell again")
    return result
