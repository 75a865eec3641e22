"""Read a dataset config."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from lgsid.datasets.data_source import DataSource
from lgsid.datasets.dataset_builder import DatasetBuilder
from lgsid.datasets.splits import Split
from lgsid.errors import LgsidError


def load_builder(
    config: str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | Sequence[str] = ()
) -> DatasetBuilder:
    """Make the builder that a YAML file describes.

    Args:
        config: A YAML file whose keys are the arguments of `DatasetBuilder`, or its content.
        overrides: Dotted keys and their values, `{"source.init_args.root": "data"}`, or command-line arguments,
            `["--source.init_args.root=data"]`. They win over the file.

    Raises:
        LgsidError: if the file is missing, is not YAML, or an argument is unknown or wrong.
    """
    where = "config" if isinstance(config, Mapping) else str(config)
    content = dict(config) if isinstance(config, Mapping) else _read(Path(config))
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(DatasetBuilder)
    parser.add_argument("--config", action="config")
    arguments = overrides if not isinstance(overrides, Mapping) else [f"--{k}={_flag(v)}" for k, v in overrides.items()]
    try:
        parsed = parser.parse_args([f"--config={yaml.safe_dump(content, sort_keys=False)}", *arguments])
        instantiate = getattr(parser, "instantiate", None) or parser.instantiate_classes  # renamed in 4.49
        values = instantiate(parsed)
    except ArgumentError as error:
        raise LgsidError(f"{where}: {_explain(str(error))}") from error
    return DatasetBuilder(**{k: v for k, v in values.as_dict().items() if k != "config"})


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise LgsidError(f"{path}: no such config; those that come with lgsid are in configs/data")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LgsidError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise LgsidError(f"{path}: expected the arguments of DatasetBuilder (name, source, split, ...)")
    return content


def _explain(message: str) -> str:
    """Add the known names to a complaint about an unknown class or argument."""
    text = " ".join(message.split())
    for key, base in (("source", DataSource), ("split", Split)):
        unknown = re.search(rf'"{key}".*(?:import path string|Import path|import).*?: (\S+)$', text)
        if unknown:
            known = ", ".join(sorted(c.__name__ for c in _subclasses(base)))
            return f"{key}: {unknown[1]!r} is unknown; known are {known}"
    return text.removeprefix("Parser ")


def _subclasses(base: type) -> set[type]:
    children: list[type] = base.__subclasses__()
    return set(children).union(*map(_subclasses, children))


def _flag(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("\n...")
    )
