"""Run the commands of a stage with the arguments that its options and its pipeline give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgsid.config.config_files import read_config
from lgsid.errors import located
from lgsid.pipeline.command import Command, stage_kind
from lgsid.pipeline.command_parser import parse_stage
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.stage import Stage


def commands_of(stage: Stage) -> list[Command[..., Any]]:
    """Return the commands of a stage, in the order in which they run."""
    return [stage_kind(name) for name in stage.commands]


def run_commands(pipeline: Pipeline, stage: Stage, folder: Path) -> dict[str, dict[str, Any]]:
    """Run the commands of a stage; their results go to a folder. Returns the resolved config of each, by its name."""
    return {name: dict(run_command(pipeline, stage, name, folder)) for name in stage.commands}


def run_command(pipeline: Pipeline, stage: Stage, name: str, folder: Path) -> Mapping[str, Any]:
    """Run one command of a stage and return its resolved config: what it returns itself, or all that it was told."""
    found = stage_kind(name)
    options = pipeline.options(stage)
    result = found(**parse_stage(found, options, pipeline.supplied(stage, found, folder)))
    if isinstance(result, Mapping):
        return result
    told = {key: value for path in stage.configs for key, value in read_config(path).items()}
    return {**told, "set": options} if stage.configs else options


def outside_inputs(pipeline: Pipeline, stage: Stage) -> set[str]:
    """Return the files outside the run folder that the commands of a stage say they read.

    Raises:
        LgsidError: if the options of the stage are wrong.
    """
    files: set[str] = set()
    for found in commands_of(stage):
        if found.traits.inputs is not None:
            arguments = parse_stage(found, pipeline.options(stage), pipeline.supplied(stage, found))
            arguments.pop("output", None)
            with located(f"{pipeline.source}: stage {stage.name}"):
                files |= {str(path) for path in found.traits.inputs(**arguments)}
    return files
