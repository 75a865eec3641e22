"""Build a `DatasetBuilder` from a dataset config."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace

from lgsid.config.yaml_reader import parser_mode
from lgsid.datasets.dataset_builder import DatasetBuilder
from lgsid.errors import LgsidError, cause_of
from lgsid.plugins import suggestion
from lgsid.trust import limit_imports

FILE_KEYS = frozenset({"path", "items", "interactions"})  # files that are looked up in `root`
ROOT = re.compile(r"source(?:(?:\.init_args)?\.root)?")  # options that set the root


def builder_from_config(
    config: Mapping[str, Any], overrides: Mapping[str, Any] | Sequence[str] = (), folder: str | Path = "."
) -> DatasetBuilder:
    """Build the `DatasetBuilder` that the content of a dataset config describes.

    A relative `root` of the source starts from the folder of the config, and from the working directory where an
    override sets it. Other files (tables, polygons, taxonomy) are looked up in `root`, unless they are absolute or
    begin with `./` or `../`: these start from the folder of the config, and from the working directory in an override.

    Args:
        config: Arguments of `DatasetBuilder`, as in the YAML files of `configs/data`.
        overrides: Dotted keys and their values, `{"source.init_args.root": "data"}`, or command-line arguments,
            `["--source.init_args.root=data"]`. They take precedence over the config.
        folder: Folder of the config file.

    Raises:
        LgsidError: if an argument is unknown or invalid.
    """
    limit_imports()
    parser = ArgumentParser(exit_on_error=False, parser_mode=parser_mode())
    parser.add_class_arguments(DatasetBuilder)
    parser.add_argument("--config", action="config")
    arguments = _arguments(overrides)
    _check_keys([*config, *(a[2:].partition("=")[0].partition(".")[0] for a in arguments if a.startswith("--"))])
    try:
        text = yaml.safe_dump(_anchored(config, Path(folder)), sort_keys=False)
        parsed = parser.parse_args([f"--config={text}", *arguments])
        if not any(ROOT.fullmatch(a.removeprefix("--").partition("=")[0]) for a in arguments):
            _anchor_root(parsed, Path(folder))
        values = parser.instantiate(parsed)
    except (ArgumentError, ValueError, TypeError) as error:
        cause = cause_of(error)
        raise LgsidError(" ".join(str(cause if isinstance(cause, LgsidError) else error).split())) from error
    return DatasetBuilder(**{k: v for k, v in values.as_dict().items() if k != "config"})


def _check_keys(keys: Sequence[str]) -> None:
    """Raise if a top-level key is no argument of `DatasetBuilder`."""
    known = list(inspect.signature(DatasetBuilder).parameters)
    for key in keys:
        if key not in known:
            raise LgsidError(f"unknown key {key!r} of a dataset config; {suggestion(key, known)}")


def _arguments(overrides: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Return overrides as command-line arguments, with `./` and `../` resolved against the working directory."""
    if isinstance(overrides, Mapping):
        return [f"--{key}={_flag(_anchored({key: value}, Path())[key])}" for key, value in overrides.items()]
    found: list[str] = []
    for argument in overrides:
        key, equals, value = argument.partition("=")
        if equals or argument.startswith("--") or not found:
            found.append(key + equals + _anchored({key: value}, Path())[key])
        else:  # the value of the argument before
            found.append(_anchored({found[-1]: argument}, Path())[found[-1]])
    return found


def _anchored(content: Any, folder: Path) -> Any:
    """Resolve files that begin with `./` or `../` against `folder`."""
    if isinstance(content, Mapping):
        return {key: _anchored_file(str(key), value, folder) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_anchored(value, folder) for value in content]
    return content


def _anchored_file(key: str, value: Any, folder: Path) -> Any:
    if isinstance(value, str) and key.rpartition(".")[2] in FILE_KEYS and value.startswith(("./", "../")):
        return str((folder / value).resolve())
    return _anchored(value, folder)


def _anchor_root(parsed: Namespace, folder: Path) -> None:
    """Resolve a relative root against `folder`; also a default root, such as "." of `TableSource`."""
    root = parsed.get("source.init_args.root")
    if isinstance(root, str):
        parsed["source.init_args.root"] = str(folder / root)


def _flag(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("\n...")
    )
