"""Entries of a suite file before they are stages: controls added, `like` written out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgsid.benchmark.tasks import Task
from lgsid.errors import LgsidError
from lgsid.pipeline.config_files import read_yaml
from lgsid.pipeline.pipeline import check_keys, read_stage
from lgsid.pipeline.stage import Stage, substituted
from lgsid.plugins import suggestion

DATA_STAGE = "data"


def with_controls(content: Mapping[str, Any], task: Task, source: Path) -> tuple[dict[str, Stage], dict[str, Any]]:
    """Return the stages and the entries of the methods of a suite, with the controls of its task.

    Raises:
        LgsidError: if an entry is wrong, or uses a name that a control has.
    """
    reference = read_mapping(content["reference"], f"{source}: reference")
    check_keys(reference, (*task.reference, *task.optional_reference), f"{source}: reference")
    for key in task.reference:
        if key not in reference:
            raise LgsidError(f"{source}: reference: {key} is missing; name the stage that the controls copy")
    controls_file = task.controls
    controls = without_absent(read_yaml(controls_file), reference)
    entries = read_mapping(content["stages"], f"{source}: stages")
    taken = set(entries) & set(controls["stages"]) | {DATA_STAGE} & set(entries)
    if taken:
        raise LgsidError(f"{source}: stages: {sorted(taken)[0]!r} is lgsid's own name; choose another")
    entries = {**entries, **renamed(controls["stages"], reference)}
    stages = {name: liked(name, entries, source) for name in entries}
    base = {name: controls_file if name in controls["stages"] else source for name in entries}
    read = {name: read_stage(name, entry, base[original(name, entries)]) for name, entry in stages.items()}
    return read, {**read_mapping(content["methods"], f"{source}: methods"), **controls["methods"]}


def without_absent(controls: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Leave out the controls that need a stage which the suite does not name (unaligned vectors of no alignment)."""
    asked = {name: set(entry.get("needs", ())) for name, entry in controls["stages"].items()}
    stages = {name: entry for name, entry in controls["stages"].items() if asked[name] <= set(reference)}
    stages = {name: {k: v for k, v in entry.items() if k != "needs"} for name, entry in stages.items()}
    return {"stages": stages, "methods": {n: e for n, e in controls["methods"].items() if e["stage"] in stages}}


def renamed(entries: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Put the suite's stages in the place of `like: model` and of `$model/...`, for each name of `reference`."""

    def path_of(stage: str, path: str) -> str:
        return f"${reference.get(stage, stage)}" + (f"/{path}" if path else "")

    result = {}
    for name, entry in entries.items():
        changed = substituted(entry, path_of)
        result[name] = {**changed, "like": reference.get(entry["like"], entry["like"])} if "like" in entry else changed
    return result


def original(name: str, entries: Mapping[str, Any]) -> str:
    """Return the stage whose config files a stage has, which may be one that it is like."""
    entry = entries[name]
    return original(entry["like"], entries) if isinstance(entry, Mapping) and "like" in entry else name


def liked(name: str, entries: Mapping[str, Any], source: Path, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Write out an entry `{like: other, set: ...}`: all that the other has, its own settings over them.

    Raises:
        LgsidError: if there is no such stage, or stages are like each other.
    """
    entry = read_mapping(entries[name], f"{source}: stage {name}")
    if "like" not in entry:
        return dict(entry)
    other = str(entry["like"])
    if other not in entries:
        raise LgsidError(f"{source}: stage {name}: like: {suggestion(other, entries)}")
    if other in above:
        raise LgsidError(f"{source}: stages are like each other: {' -> '.join((*above, name, other))}")
    model = liked(other, entries, source, (*above, name))
    own = {key: value for key, value in entry.items() if key != "like"}
    return {**model, **own, "set": {**(model.get("set") or {}), **(own.get("set") or {})}}


def read_mapping(content: Any, where: str) -> dict[str, Any]:
    """Return a mapping.

    Raises:
        LgsidError: if it is something else.
    """
    if not isinstance(content, Mapping):
        raise LgsidError(f"{where}: expected `key: value` lines, found {content!r}")
    return {str(key): value for key, value in content.items()}
