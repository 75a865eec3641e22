"""Write docs/public_api.txt, which says what is public; what changed has to be named in the changelog first.

    python docs/public_api.py            # writes it, unless a changed name is missing in CHANGELOG.md
    python docs/public_api.py --check    # exit code 1 if it is not what it would write

One line for each public thing: what it belongs to, its name, and what others rely on. The name of a line that is new,
gone or other than in the file has to stand in the unreleased section of CHANGELOG.md, and that section has to differ
from what it was when the file was written last.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import lgsid
import lgsid.testing
from lgsid import plugins
from lgsid import typing as batches
from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.artefacts.files import read_json, write_text
from lgsid.artefacts.hashes import text_hash
from lgsid.benchmark.result_file import SCHEMA_FILE
from lgsid.config.config_files import config_root, own_configs, read_yaml
from lgsid.entry_points import OWN_DISTRIBUTION
from lgsid.pipeline.command import commands

ROOT = Path(__file__).resolve().parents[1]
FILE, CHANGELOG = ROOT / "docs" / "public_api.txt", ROOT / "CHANGELOG.md"
HEAD = """\
# What is public. Written by `python docs/public_api.py`, which asks for a line in CHANGELOG.md first.
# Unreleased section of CHANGELOG.md when this was written: {digest}
"""
HEAD_LINES = HEAD.count("\n")
SIMPLE = (str, int, float, bool, type(None))
UNRELEASED = re.compile(r"^## [^\n]*\(unreleased\)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
KEYS_OF_CLASSES = ("class_path", "init_args")


def public_lines() -> list[str]:
    """Return what is public, one line each."""
    return [
        *python_names(),
        *bases(),
        *classes(),
        *batch_fields(),
        *contracts(),
        *artefacts(),
        *command_lines(),
        *configs(),
    ]


def python_names() -> Iterator[str]:
    """Yield the names of `import lgsid`, with what can be called."""
    for name in sorted(lgsid.MODULE_OF):
        yield f"lgsid | {name} | {called(getattr(lgsid, name))}"


def bases() -> Iterator[str]:
    """Yield the groups of entry points with their bases, and what each base has to offer."""
    for kind, value in sorted(plugins.kinds().items()):
        if not value.startswith(f"{OWN_DISTRIBUTION}."):
            continue  # a kind that another package adds
        base = plugins.base_of(kind)
        yield f"lgsid.{kind} | {base.__name__} | {value}"
        for name, member in sorted(inspect.getmembers(base)):
            module = str(getattr(inspect.unwrap(function_of(member)), "__module__", ""))
            if not name.startswith("_") and module.partition(".")[0] == OWN_DISTRIBUTION:
                must = " (abstract)" if name in getattr(base, "__abstractmethods__", ()) else ""
                yield f"lgsid.{kind} | {base.__name__} | {name}{signature(member)}{must}"


def classes() -> Iterator[str]:
    """Yield what configs can name, with arguments."""
    for plugin in plugins.available():
        if plugin.distribution == OWN_DISTRIBUTION and plugin.kind != "commands":
            yield f"config class of {plugin.kind} | {plugin.name} | {called(plugins.resolve(plugin))}"


def batch_fields() -> Iterator[str]:
    """Yield the batches that data modules hand to models."""
    for name, found in sorted(vars(batches).items()):
        if dataclasses.is_dataclass(found) and found.__module__ == batches.__name__:
            fields = ", ".join(f"{field.name}: {field.type}" for field in dataclasses.fields(found))
            yield f"batch | {name} | {fields}"


def contracts() -> Iterator[str]:
    """Yield what `lgsid.testing` offers; of a contract, what has to be written and what can be set."""
    for name in sorted(lgsid.testing.__all__):
        found = getattr(lgsid.testing, name)
        if not inspect.isclass(found):
            yield f"lgsid.testing | {name} | {signature(found)}"
            continue
        own = (key for key in dir(found) if not key.startswith(("_", "test_")) and key != "pytestmark")
        yield f"lgsid.testing | {name} | {', '.join(f'{key}{signature(getattr(found, key))}' for key in own)}"


def artefacts() -> Iterator[str]:
    """Yield the columns and keys of the files that stages hand each other, from files of a tiny city."""
    with tempfile.TemporaryDirectory() as folder:
        ids = lgsid.testing.toy_city(n_items=40, folder=folder).items.ids
        Embeddings(ids, np.eye(len(ids), 4, dtype=np.float32)).write(Path(folder) / "embeddings.parquet")
        codes = np.stack([np.arange(len(ids)) % 5, np.arange(len(ids)) // 5], axis=1)
        SemanticIDs(ids, codes, (5, 8)).write(Path(folder) / "sids.parquet")
        for path in sorted(Path(folder).glob("*.parquet")):
            columns = ", ".join(f"{field.name}: {field.type}" for field in pq.read_schema(path))
            yield f"file | {path.name} | {columns}"
        yield f"file | dataset.json | {', '.join(sorted(read_json(Path(folder) / 'dataset.json')))}"
    schema = read_json(SCHEMA_FILE)
    for key, value in sorted(schema["properties"].items()):
        yield f"file | result.schema.json | {key}{' (required)' if key in schema['required'] else ''}: {kind_of(value)}"


def kind_of(value: Mapping[str, Any]) -> str:
    """Say what a JSON schema takes: its types, keys or alternatives."""
    keys = ", ".join(value.get("properties", ()))
    return f"{value.get('type', 'see the schema')}{f' of {keys}' if keys else ''}"


def command_lines() -> Iterator[str]:
    """Yield the commands of lgsid with arguments and flags."""
    own = {
        plugin.name.replace(".", " ")
        for plugin in plugins.available("commands")
        if plugin.distribution == OWN_DISTRIBUTION
    }
    for name, found in sorted(commands().items()):
        if name in own:
            options = (f"{o.flag}{'' if o.required else '?'}" for o in found.options)
            yield f"command | lgsid {name} | {' '.join(options)}{' KEY=VALUE' if found.open_ended else ''}"


def configs() -> Iterator[str]:
    """Yield the configs that lgsid carries, with the keys that each sets."""
    for name in own_configs():
        yield f"config | {name} | {', '.join(sorted(set(keys(read_yaml(config_root() / name)))))}"


def keys(content: Any, above: str = "") -> Iterator[str]:
    """Yield the dotted keys of a config; classes and their arguments are one level."""
    for key, value in content.items() if isinstance(content, Mapping) else ():
        path = above if key in KEYS_OF_CLASSES else f"{above}.{key}".lstrip(".")
        yield from keys(value, path) if isinstance(value, Mapping) and value else [path]


def called(value: Any) -> str:
    """Return how a class or function is called."""
    return signature(value) if callable(value) else type(value).__name__


def function_of(member: Any) -> Any:
    """Return what is behind a property or a method."""
    return member.fget if isinstance(member, property) else getattr(member, "func", member)


def signature(member: Any) -> str:
    """Return the arguments of a callable with simple defaults, and the type of a property; empty for other values."""
    if isinstance(member, property):
        return f": {inspect.signature(member.fget).return_annotation}"
    if not callable(member):
        return ""
    try:
        found = inspect.signature(member)
    except (TypeError, ValueError):
        return "(...)"
    return f"({', '.join(parameter(one) for one in found.parameters.values() if one.name != 'self')})"


def parameter(one: inspect.Parameter) -> str:
    """Return one argument."""
    stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
    if one.default is one.empty:
        return f"{stars}{one.name}"
    plain = isinstance(one.default, SIMPLE) or (
        isinstance(one.default, tuple) and all(isinstance(value, SIMPLE) for value in one.default)
    )
    return f"{one.name}={one.default!r}" if plain else f"{one.name}=..."


def changed(old: Sequence[str], new: Sequence[str]) -> dict[str, list[str]]:
    """Return name -> the lines of it that are new (+) or gone (-)."""
    found: dict[str, list[str]] = {}
    for sign, lines, others in (("-", old, set(new)), ("+", new, set(old))):
        for line in lines:
            if line not in others:
                found.setdefault(line.split(" | ")[1], []).append(f"{sign} {line}")
    return found


def unreleased(changelog: str) -> str:
    """Return the section of what is not released."""
    section = UNRELEASED.search(changelog)
    return section[1] if section else ""


def problem(kept: str, lines: Sequence[str], changelog: str) -> str:
    """Say why what is public may not be written down as it is now; empty if it may.

    Args:
        kept: Content of the file.
        lines: What is public now.
        changelog: Content of the changelog.
    """
    found, section = changed(kept.splitlines()[HEAD_LINES:], lines), unreleased(changelog)
    if not kept or not found:
        return ""
    missing = [name for name in found if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", section)]
    if missing:
        told = [line for name in missing for line in found[name]]
        return "\n".join(
            [*told, f"public, changed, and not in the unreleased part of CHANGELOG.md: {', '.join(missing)}"]
        )
    if text_hash([section]) in kept:
        told = [line for name in found for line in found[name]]
        return "\n".join([*told, f"changed, and CHANGELOG.md says nothing new of it: {', '.join(found)}"])
    return ""


def main() -> None:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    kept, lines = FILE.read_text(encoding="utf-8") if FILE.is_file() else "", public_lines()
    changelog = CHANGELOG.read_text(encoding="utf-8")
    if lines == kept.splitlines()[HEAD_LINES:]:
        return
    reason = problem(kept, lines, changelog)
    if reason or options.check:
        sys.exit(reason or "docs/public_api.txt is not current; run `python docs/public_api.py`")
    head = HEAD.format(digest=text_hash([unreleased(changelog)]))
    write_text(FILE, head + "".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
