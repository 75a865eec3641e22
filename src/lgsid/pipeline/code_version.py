"""Hash the code that a stage runs, so that a change to it, and only that, makes the stage run again."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import lgsid
from lgsid.artefacts.files import text_hash
from lgsid.plugins import available

PACKAGE = "lgsid"
SOURCE = Path(lgsid.__file__).resolve().parent
LIBRARIES = ("torch", "lightning", "transformers", "peft", "numpy", "scikit-learn", "vector-quantize-pytorch")


def code_version(roots: Iterable[str], texts: Iterable[str]) -> str:
    """Hash the modules that a stage runs, with all lgsid modules that they import, and versions of what is not ours.

    The imports are read from the sources, nothing is imported. Comments and layout do not count.

    Args:
        roots: `module:name` of what the verbs run.
        texts: All texts of the config; those that name a class, by short name or full path, count.
    """
    modules = {root.partition(":")[0] for root in roots} | set(modules_named(texts))
    own = closure({name for name in modules if name.split(".")[0] == PACKAGE})
    others = sorted({name.split(".")[0] for name in modules} - {PACKAGE})
    parts = [f"{name} {digest}" for name, digest in sorted((name, module_hash(name)) for name in own)]
    parts += [f"{name} {foreign_version(name)}" for name in others]
    parts += [f"{name} {installed_version(name)}" for name in LIBRARIES]
    return text_hash(parts)


def modules_named(texts: Iterable[str]) -> Iterator[str]:
    """Yield the modules of the classes that texts name."""
    short = {plugin.name: plugin.module for plugin in available()}
    for text in texts:
        if text in short:
            yield short[text]
        elif "." in text and all(part.isidentifier() for part in text.split(".")):
            yield text.rpartition(".")[0]


def closure(roots: Iterable[str]) -> set[str]:
    """Return the lgsid modules that `roots` import, directly or through others, themselves included."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        path = module_path(name)
        if name in found or path is None:
            continue
        found.add(name)
        waiting += imported(path)
    return found


def module_path(name: str) -> Path | None:
    """Return the source of an lgsid module, `None` if there is no such module."""
    base = SOURCE.joinpath(*name.split(".")[1:])
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Return the names of lgsid modules in the import statements of a source file, wherever they stand."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.split(".")[0] == PACKAGE and name != PACKAGE)


@cache
def module_hash(name: str) -> str:
    """Hash the syntax tree of an lgsid module."""
    path = module_path(name)
    return text_hash([ast.dump(ast.parse(path.read_text(encoding="utf-8")))]) if path is not None else ""


def foreign_version(package: str) -> str:
    """Return the versions of the distributions that provide a package, with the hash of a plugin's own source."""
    owners = sorted(set(packages_distributions().get(package, [])))
    versions = " ".join(f"{owner}=={installed_version(owner)}" for owner in owners)
    registered = {plugin.module.split(".")[0] for plugin in available()}
    if package not in registered:
        return versions
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return versions
    origin = Path(spec.origin)
    sources = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    return f"{versions} {text_hash(path.read_bytes() for path in sources)}"


def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution, empty if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
