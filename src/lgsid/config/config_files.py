"""Find and read YAML files: on disk as given, or among those of lgsid and of plugins; variants over their base."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import lgsid
from lgsid.config.merging import merged
from lgsid.config.yaml_reader import read_values
from lgsid.errors import LgsidError, located
from lgsid.plugin_folders import plugin_file, plugin_folders
from lgsid.plugins import moved_class, suggestion

CONFIGS = "configs"  # the folder of configs in the package of a plugin
EXTENDS = "extends"
MAX_CHAIN, MAX_FILES = 20, 200  # configs that extend or name each other; all files that one of them is made of
YAML_SUFFIXES = (".yaml", ".yml")
SUFFIXES = (*YAML_SUFFIXES, ".json")


def config_root() -> Path:
    """Return the folder of lgsid's own configs: inside the installed package, or at the top of a checkout."""
    package = Path(lgsid.__file__).resolve().parent
    packaged = package / "configs"
    return packaged if packaged.is_dir() else package.parents[1] / "configs"


def find_config(name: str | Path, base: Path | None = None) -> Path:
    """Return the file that `name` means.

    Args:
        name: A path; a relative one that is not found is looked up among lgsid's own configs, then among those of
            installed plugins, with or without a leading `configs/` or `../`, so that a copied pipeline file still finds
            its parts.
        base: Folder that a relative path starts from, the working directory if `None`.

    Raises:
        LgsidError: if there is no such file, or several plugins offer it.
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
    offered = None if given.is_absolute() or not parts else plugin_file(CONFIGS, Path(*parts))
    if offered is not None:
        return offered
    similar = suggestion("/".join(parts), [*own_configs(), *plugin_configs()], limit=0)
    hint = f"{similar} " if similar.startswith("did you mean") else ""
    raise LgsidError(f"{local}: no such config file; {hint}`lgsid configs` lists those that are installed")


def own_configs() -> list[str]:
    """List lgsid's own configs, relative to their folder, sorted."""
    return configs_below(config_root())


def plugin_configs() -> dict[str, str]:
    """List the configs of installed plugins, relative to their folders, sorted, each with the name of its package."""
    folders = plugin_folders(CONFIGS).items()
    return dict(sorted((name, owner) for owner, root in folders for name in configs_below(root)))


def configs_below(root: Path) -> list[str]:
    """List the configs below a folder, relative to it, sorted."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.suffix in SUFFIXES)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping, as it stands.

    Raises:
        LgsidError: if it is unreadable, is not YAML, or holds something else than a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise LgsidError(f"{path}: cannot be read ({error})") from error
    content = read_values(text, str(path))
    if not isinstance(content, dict):
        raise LgsidError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    return content


def read_config(path: Path) -> dict[str, Any]:
    """Read a config: a file with `extends: base.yaml` is merged over its base, files that it names become content.

    Mappings merge deeply, lists and other values replace those of the base, and a changed `class_path` does away with
    the base's `init_args`. The base is named relative to the file.

    Raises:
        LgsidError: if a file cannot be read, files extend each other, or a class is named that has moved.
    """
    return ConfigReading().over_base(path, ())


class ConfigReading:
    """One reading of a config and of all files that it extends or names. It ends, whatever they name."""

    def __init__(self) -> None:
        self.n_files = 0

    def over_base(self, path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
        """Read a config file that is named by the files `above`."""
        here = path.resolve()
        if here in above:
            names = " -> ".join(file.name for file in (*above[above.index(here) :], here))
            raise LgsidError(f"{path}: configs extend each other: {names}")
        self.n_files += 1
        if len(above) > MAX_CHAIN or self.n_files > MAX_FILES:
            limits = f"more than {MAX_CHAIN} in a row or {MAX_FILES} in all"
            raise LgsidError(f"{path}: configs extend or name too many others, {limits}")
        content = read_yaml(path)
        check_classes(content, path)
        base = content.pop(EXTENDS, None)
        own = self.with_files(content, path.parent, (*above, here))
        if base is None:
            return dict(own)
        if not isinstance(base, str):
            raise LgsidError(f"{path}: {EXTENDS}: expected the name of one YAML file, found {base!r}")
        with located(f"{path}: {EXTENDS}"):
            below = find_config(base, path.parent)
        return dict(merged(self.over_base(below, (*above, here)), own))

    def with_files(self, content: Any, folder: Path, above: tuple[Path, ...]) -> Any:
        """Replace the names of YAML files inside a config by their content, as the parser of a command does."""
        if isinstance(content, Mapping):
            return {key: self.with_files(value, folder, above) for key, value in content.items()}
        if isinstance(content, list):
            return [self.with_files(value, folder, above) for value in content]
        if isinstance(content, str) and content.endswith(YAML_SUFFIXES):
            path = folder / content
            if path.is_file():
                return self.over_base(path, above)
        return content


def config_argument(path: Path) -> str:
    """Return what a parser's `--config` takes for a file: its content, with the files that it extends or names.

    Raises:
        LgsidError: if it cannot be read; the message names the file, which that of the parser would not.
    """
    return yaml.safe_dump(read_config(path), sort_keys=False)


def check_classes(content: Any, path: Path) -> None:
    """Refuse a class path that lgsid once had.

    Raises:
        LgsidError: naming the new one.
    """
    for text in strings(content):
        new = moved_class(text)
        if new:
            raise LgsidError(f"{path}: {text} has moved; write {new}")


def strings(content: Any) -> list[str]:
    """Return all string values inside nested mappings and lists, in order."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, Mapping):
        return [text for value in content.values() for text in strings(value)]
    if isinstance(content, (list, tuple)):
        return [text for value in content for text in strings(value)]
    return []
