"""Entries of a suite file before they are stages: controls added, `like` written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lgsid.benchmark.suite_file import ControlsFile, MethodEntry, SuiteFile, SuiteStage
from lgsid.benchmark.tasks import Task
from lgsid.config.config_files import read_yaml
from lgsid.config.typed_reader import read_into
from lgsid.errors import LgsidError
from lgsid.pipeline.pipeline import RENAMED, StageEntry, read_stage
from lgsid.pipeline.stage import Stage, substituted
from lgsid.plugins import suggestion

DATA_STAGE = "data"
JUDGED = "method"
JUDGE_PREFIX = "judge_"


def with_controls(content: SuiteFile, task: Task, source: Path) -> tuple[dict[str, Stage], dict[str, MethodEntry]]:
    """Return the stages and the entries of the methods of a suite, with the controls of its task.

    Raises:
        LgsidError: if an entry is wrong, or uses a name that a control has.
    """
    content = with_judges(content, source)
    reference, known = content.reference, (*task.reference, *task.optional_reference)
    for key in reference:
        if key not in known:
            raise LgsidError(f"{source}: reference: unknown key {key!r}; {suggestion(key, known)}")
    settings = {key for stage in content.stages.values() for key in stage.set or {}}
    for key in task.reference if reference or task.needs_reference(settings) else ():
        if key not in reference:
            raise LgsidError(f"{source}: reference: {key} is missing; name the stage that the controls copy")
    file = task.controls
    controls = without_absent(read_into(ControlsFile, read_yaml(file), str(file), RENAMED), reference)
    own_names = set(content.stages) & set(controls.stages) | {DATA_STAGE} & set(content.stages)
    if own_names:
        raise LgsidError(f"{source}: stages: {sorted(own_names)[0]!r} is lgsid's own name; choose another")
    entries = {**content.stages, **{name: renamed(stage, reference) for name, stage in controls.stages.items()}}
    base = {name: file if name in controls.stages else source for name in entries}
    stages = {
        name: read_stage(name, like_another(name, entries, source), base[original(name, entries)]) for name in entries
    }
    return stages, {**content.methods, **controls.methods}


def with_judges(content: SuiteFile, source: Path) -> SuiteFile:
    """Give each row of role "method" a stage of its own that measures it as `judge` says, if the suite has a `judge`.

    Raises:
        LgsidError: if the stage of a row is unknown, or a stage has the name of one that measures.
    """
    if content.judge is None:
        return content
    stages, methods = dict(content.stages), dict(content.methods)
    for name, entry in content.methods.items():
        if entry.role != JUDGED:
            continue
        stage = name if entry.stage is None else entry.stage
        judge = JUDGE_PREFIX + stage
        if stage not in content.stages:
            raise LgsidError(f"{source}: method {name}: no such stage; {suggestion(stage, content.stages)}")
        if judge in content.stages:
            raise LgsidError(f"{source}: stages: {judge!r} is the name of the stage that judges; choose another")
        stages[judge] = renamed(content.judge, {JUDGED: stage})
        methods[name] = replace(entry, stage=judge)
    return replace(content, stages=stages, methods=methods)


def without_absent(controls: ControlsFile, reference: Mapping[str, str]) -> ControlsFile:
    """Leave out the controls that need a stage which the suite does not name (unaligned vectors of no alignment)."""
    stages = {name: entry for name, entry in controls.stages.items() if set(entry.needs) <= set(reference)}
    return ControlsFile(stages, {name: entry for name, entry in controls.methods.items() if entry.stage in stages})


def renamed(entry: SuiteStage, reference: Mapping[str, str]) -> SuiteStage:
    """Put stages in the place of `like: NAME` and of `$NAME/...`, for each name of `reference`."""

    def path_of(stage: str, path: str) -> str:
        return f"${reference.get(stage, stage)}" + (f"/{path}" if path else "")

    like = None if entry.like is None else reference.get(entry.like, entry.like)
    return replace(entry, set=substituted(entry.set or {}, path_of), like=like)


def original(name: str, entries: Mapping[str, SuiteStage]) -> str:
    """Return the stage whose config files a stage has, which may be one that it is like."""
    entry = entries[name]
    return name if entry.like is None or entry.config is not None else original(entry.like, entries)


def like_another(name: str, entries: Mapping[str, SuiteStage], source: Path, above: tuple[str, ...] = ()) -> StageEntry:
    """Write out an entry `{like: other, set: ...}`: all that the other has, its own settings over them.

    Raises:
        LgsidError: if there is no such stage, stages are like each other, or nothing says what runs.
    """
    entry = entries[name]
    if entry.like is None:
        if entry.command is None:
            raise LgsidError(f"{source}: stage {name}: command is missing")
        return StageEntry(entry.command, entry.config, entry.set)
    if entry.like not in entries:
        raise LgsidError(f"{source}: stage {name}: like: {suggestion(entry.like, entries)}")
    if entry.like in above:
        raise LgsidError(f"{source}: stages are like each other: {' -> '.join((*above, name, entry.like))}")
    model = like_another(entry.like, entries, source, (*above, name))
    config = model.config if entry.config is None else entry.config
    return StageEntry(entry.command or model.command, config, {**(model.set or {}), **(entry.set or {})})
