"""Hash the code that a stage runs, so that a change to it, and only that, makes the stage run again."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import lgsid
from lgsid.artefacts.hashes import text_hash
from lgsid.plugins import available

PACKAGE = "lgsid"
SOURCE = Path(lgsid.__file__).resolve().parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
PRESENTATION = {  # modules that change what is told of a result, not the result
    "lgsid.console",
    "lgsid.entry_points",
    "lgsid.errors",
    "lgsid.escaping",
    "lgsid.plugin_imports",
    "lgsid.plugins",
    "lgsid.logs.configured_loggers",
    "lgsid.logs.log_sink",
    "lgsid.logs.logged_results",
    "lgsid.pipeline.code_version",
    "lgsid.config.config_files",
    "lgsid.pipeline.constructor_errors",
    "lgsid.pipeline.metric_table",
    "lgsid.pipeline.parser_errors",
    "lgsid.pipeline.progress",
    "lgsid.pipeline.provenance",
    "lgsid.pipeline.start_of_run",
    "lgsid.system_errors",
    "lgsid.terminal",
}
LIBRARIES = ("torch", "lightning", "transformers", "peft", "numpy", "scikit-learn", "vector-quantize-pytorch")


def code_version(roots: Iterable[str], texts: Iterable[str]) -> str:
    """Hash the modules that a stage runs, with all lgsid modules that they import, and versions of what is not ours.

    The imports are read from the sources, nothing is imported. Comments, docstrings and layout do not count, nor does
    what only tells the user about the work.

    Args:
        roots: `module:name` of what the commands run.
        texts: All texts of the config; those that name a class, by short name or full path, count.
    """
    named = {(module, name) for module, _, name in (root.partition(":") for root in roots)} | set(classes_named(texts))
    own = closure((module, name) for module, name in named if module.split(".")[0] == PACKAGE)
    others = sorted({module.split(".")[0] for module, _ in named} - {PACKAGE})
    parts = [f"{name} {module_hash(name)}" for name in sorted(own - PRESENTATION)]
    parts += [f"{name} {foreign_version(name)}" for name in others]
    parts += [f"{name} {installed_version(name)}" for name in LIBRARIES]
    return text_hash(parts)


def classes_named(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the module and the name of each class that the texts name."""
    short = {plugin.name: plugin.value for plugin in available()}
    for text in texts:
        if text in short:
            module, _, name = short[text].partition(":")
            yield module, name
        elif "." in text and all(part.isidentifier() for part in text.split(".")):
            module, _, name = text.rpartition(".")
            yield module, name


def closure(roots: Iterable[tuple[str, str]]) -> set[str]:
    """Return the lgsid modules that hold the named things, or hold what those modules import, and so on.

    A name that a package re-exports leads to the module that defines it, so that the other modules of the package do
    not count.
    """
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        module = home(*waiting.pop())
        if module is None or module in found:
            continue
        found.add(module)
        path = module_path(module)
        waiting += imported(path) if path is not None and module not in PRESENTATION else ()
    return found


def home(module: str, name: str) -> str | None:
    """Return the lgsid module that defines `name` of `module`, `None` if there is no such module."""
    if module == PACKAGE and name in lgsid.MODULE_OF:
        return home(lgsid.MODULE_OF[name], name)
    if name and module_path(f"{module}.{name}") is not None:
        return f"{module}.{name}"
    path = module_path(module)
    if path is None or module == PACKAGE:
        return None
    if path.name == "__init__.py":
        for origin, exported in imported(path):
            if exported == name and origin != module:
                return home(origin, exported)
    return module


def module_path(name: str) -> Path | None:
    """Return the source of an lgsid module, `None` if there is no such module."""
    base = SOURCE.joinpath(*name.split(".")[1:])
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@cache
def imported(path: Path) -> tuple[tuple[str, str], ...]:
    """Return what a source file imports from lgsid, wherever it does, as module and name ("" for the module)."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return tuple((module, name) for module, name in found if module.split(".")[0] == PACKAGE)


@cache
def module_hash(name: str) -> str:
    """Hash the syntax tree of an lgsid module, without its docstrings."""
    path = module_path(name)
    if path is None:
        return ""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return text_hash([ast.dump(tree)])


def foreign_version(package: str) -> str:
    """Return the versions of the distributions that provide a package, with the hash of a plugin's own source."""
    registered = {plugin.distribution for plugin in available() if plugin.module.split(".")[0] == package}
    owners = registered | set(packages_distributions().get(package, []))
    versions = " ".join(f"{owner}=={installed_version(owner)}" for owner in sorted(owners))
    if not registered:
        return versions
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return versions
    origin = Path(spec.origin)
    sources = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    return f"{versions} {text_hash(path.read_bytes() for path in sources)}"


@cache
def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution, empty if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
