"""What defines a stage of a suite: its commands, merged settings and seed, and the same of the stages that it reads.

The hash is of settings in one canonical form: configs merged over their bases and over each other, options merged over
them, classes by their short names, stages by their own definitions. So it stays the same where a config is split in two
or a class moves, and changes where a setting does. Neither the code nor the names of stages count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import read_json
from lgsid.artefacts.hashes import text_hash
from lgsid.config.config_files import read_config
from lgsid.config.merging import CLASS, merged, nested, short_name
from lgsid.errors import LgsidError
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.stage import SEED, Stage, substituted

EQUAL_FILE = "definitions.json"


def seedless(pipeline: Pipeline, stage: Stage) -> bool:
    """Tell whether a stage gives the same for every seed, as do all that it needs."""
    return pipeline.seed_of(stage) is None and all(seedless(pipeline, pipeline.stages[n]) for n in stage.needs)


def definitions(pipeline: Pipeline) -> dict[str, str]:
    """Return the definition of each stage."""
    found: dict[str, str] = {}
    for name, stage in pipeline.stages.items():
        configs = [settings_of(path, path.stat().st_mtime_ns) for path in stage.configs]
        seed = None if seedless(pipeline, stage) else pipeline.seed
        found[name] = definition(stage.commands, configs, stage.options, seed, found)
    return found


def definition(
    commands: Sequence[str],
    configs: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    seed: int | None,
    needed: Mapping[str, str],
) -> str:
    """Return the definition of one stage.

    Args:
        commands: What it runs.
        configs: Content of its configs, bases merged.
        options: Dotted key -> value.
        seed: The seed, `None` if its result is the same for every seed.
        needed: Definitions of the stages that its options refer to.
    """

    def meant(stage: str, path: str) -> str:
        return f"${SEED}" if stage == SEED else f"${needed[stage]}/{path}"

    settings: Any = {}
    for content in configs:
        settings = merged(settings, content)
    settings = merged(settings, nested({key: substituted(value, meant) for key, value in options.items()}))
    return canonical_hash({"commands": list(commands), "settings": canonical(settings), "seed": seed})


def canonical(settings: Any) -> Any:
    """Return settings with classes by their short names and values that JSON can hold."""
    if isinstance(settings, Mapping):
        short = {key: short_name(value) if key == CLASS else canonical(value) for key, value in settings.items()}
        return {str(key): value for key, value in short.items()}
    if isinstance(settings, (list, tuple)):
        return [canonical(value) for value in settings]
    return settings if settings is None or isinstance(settings, (str, int, float, bool)) else str(settings)


@cache
def settings_of(path: Path, changed_ns: int) -> dict[str, Any]:
    """Return all settings of a config file; read once as long as it does not change."""
    return read_config(path)


def canonical_hash(value: Any) -> str:
    """Hash a JSON value; the order of keys does not count."""
    return text_hash([json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)])


def equal_definitions(results: Path) -> Mapping[str, str]:
    """Return definition of a result file -> definition that it is equal to, for results of older versions of lgsid.

    They are listed in `definitions.json` beside the suites' folders, each with the reason why they are equal.

    Args:
        results: Folder of result files.

    Raises:
        LgsidError: if the file is broken.
    """
    path = results / EQUAL_FILE
    return read_equal(path, path.stat().st_mtime_ns) if path.is_file() else {}


@cache
def read_equal(path: Path, changed_ns: int) -> Mapping[str, str]:
    """Read the list of equal definitions; once as long as it does not change."""
    try:
        return {old: entry["definition"] for group in read_json(path)["equal"] for old, entry in group["cells"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise LgsidError(f"{path}: not a list of equal definitions; restore it from the repository") from error
