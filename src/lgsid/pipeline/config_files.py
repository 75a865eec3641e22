"""Find and read YAML files: on disk as given, or among the configs that lgsid carries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import lgsid
from lgsid.errors import LgsidError

SUFFIXES = (".yaml", ".yml", ".json")


def config_root() -> Path:
    """Return the folder of lgsid's own configs: inside the installed package, or at the top of a checkout."""
    package = Path(lgsid.__file__).resolve().parent
    packaged = package / "configs"
    return packaged if packaged.is_dir() else package.parents[1] / "configs"


def find_config(name: str | Path, base: Path | None = None) -> Path:
    """Return the file that `name` means.

    Args:
        name: A path; a relative one that is not found is looked up among lgsid's own configs, with or without a
            leading `configs/` or `../`, so that a copied pipeline file still finds its parts.
        base: Folder that a relative path starts from, the working directory if `None`.

    Raises:
        LgsidError: if there is no such file.
    """
    given = Path(name)
    local = Path(os.path.normpath(given if base is None else base / given))
    if local.is_file():
        return local
    parts = list(given.parts)
    while parts and parts[0] in ("..", "configs"):
        parts.pop(0)
    own = config_root().joinpath(*parts)
    if not given.is_absolute() and own.is_file():
        return own
    if local.is_dir():
        raise LgsidError(f"{local}: is a folder, not a config file")
    raise LgsidError(f"{local}: no such config file; `lgsid configs` lists those that lgsid carries")


def own_configs() -> list[str]:
    """List lgsid's own configs, relative to their folder, sorted."""
    root = config_root()
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.suffix in SUFFIXES)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        LgsidError: if it is unreadable, is not YAML, or holds something else than a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LgsidError(f"{path}: cannot be read ({error})") from error
    except yaml.YAMLError as error:
        raise LgsidError(f"{path}: not valid YAML: {yaml_problem(error)}") from error
    if not isinstance(content, dict):
        raise LgsidError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    return content


def yaml_problem(error: yaml.YAMLError) -> str:
    """Say in one line what is wrong with a YAML file, and in which line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark is not None else str(problem)


def resolved(content: Any, folder: Path) -> Any:
    """Replace the names of YAML files inside a config by their content, as the command line does when it parses it."""
    if isinstance(content, Mapping):
        return {str(key): resolved(value, folder) for key, value in content.items()}
    if isinstance(content, list):
        return [resolved(value, folder) for value in content]
    if isinstance(content, str) and content.endswith(SUFFIXES):
        path = folder / content
        if path.is_file():
            return resolved(read_yaml(path), path.parent)
    return content


def strings(content: Any) -> list[str]:
    """Return all string values inside nested mappings and lists, in order."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, Mapping):
        return [text for value in content.values() for text in strings(value)]
    if isinstance(content, (list, tuple)):
        return [text for value in content for text in strings(value)]
    return []
