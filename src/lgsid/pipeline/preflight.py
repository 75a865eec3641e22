"""Parse the options of stages before the first one runs, each with the parser of its own command."""

from __future__ import annotations

from collections.abc import Iterable

from lgsid.errors import LgsidError
from lgsid.pipeline.command import stage_kind
from lgsid.pipeline.command_parser import parse_stage
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.stage import Stage


def check_options(pipeline: Pipeline, stages: Iterable[Stage] | None = None) -> None:
    """Refuse options that a command would refuse when its turn comes. References stand for the paths they will have.

    Args:
        pipeline: The pipeline.
        stages: The stages to look at; all if `None`.

    Raises:
        LgsidError: naming the first such stage and key.
    """
    for stage in pipeline.stages.values() if stages is None else stages:
        for name in stage.commands:
            check_command(pipeline, stage, name)


def check_command(pipeline: Pipeline, stage: Stage, name: str) -> None:
    """Check the options of one command of a stage."""
    found = stage_kind(name)
    try:
        arguments = parse_stage(found, pipeline.options(stage), pipeline.supplied(stage, found))
        if found.traits.check is not None:
            found.traits.check(**arguments)
    except LgsidError as error:
        where = f"{pipeline.source}: stage {stage.name}"
        text = str(error)
        raise LgsidError(text if text.startswith(where) else f"{where}: {text}") from error
