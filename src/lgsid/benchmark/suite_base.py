"""Read a suite file over the suite that it extends, whose rows it has beside its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lgsid.benchmark.suite_file import SuiteFile
from lgsid.config.config_files import EXTENDS, MAX_CHAIN, find_config, read_yaml
from lgsid.config.merging import merged
from lgsid.config.typed_reader import read_into
from lgsid.errors import LgsidError, located
from lgsid.pipeline.pipeline import RENAMED

OF_THE_BASE = ("name", "title", "description")  # what a suite does not have from the one that it extends


def read_suite_file(source: Path, find: Callable[[str], Path]) -> SuiteFile:
    """Read a suite file; `extends: OTHER` gives it everything of another suite but name, title and description.

    Mappings, such as stages and methods, merge; lists and other values replace those of the base.

    Args:
        source: The file.
        find: Returns the file of a suite by its name.

    Raises:
        LgsidError: if a file cannot be read, has an unknown key, or suites extend each other.
    """
    return read_into(SuiteFile, over_base(source, find, ()), str(source), RENAMED)


def over_base(source: Path, find: Callable[[str], Path], above: tuple[Path, ...]) -> dict[str, Any]:
    """Return the content of a suite file over that of its base, which the files `above` extend."""
    here = source.resolve()
    if here in above or len(above) > MAX_CHAIN:
        raise LgsidError(f"{source}: suites extend each other: {' -> '.join(p.name for p in (*above, here))}")
    content = read_yaml(source)
    base = content.pop(EXTENDS, None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise LgsidError(f"{source}: {EXTENDS}: expected the name of one suite, found {base!r}")
    with located(f"{source}: {EXTENDS}"):
        beside = source.parent / base
        below = beside if beside.is_file() else find(base)
        inherited = over_base(below, find, (*above, here))
        read_into(SuiteFile, inherited, str(below), RENAMED)
    for name in OF_THE_BASE:
        inherited.pop(name, None)
    for entry in [*inherited.get("datasets", []), *(inherited.get("stages") or {}).values()]:
        with_whole_paths(entry, below.parent)
    return dict(merged(inherited, content))


def with_whole_paths(entry: dict[str, Any], folder: Path) -> None:
    """Put the whole path in the place of each config of a dataset or stage, which was relative to a folder."""
    configs = entry.get("config")
    if isinstance(configs, str):
        entry["config"] = str(find_config(configs, folder))
    elif configs is not None:
        entry["config"] = [str(find_config(name, folder)) for name in configs]
