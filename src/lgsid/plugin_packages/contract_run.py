"""Run the contract tests of what an installed package offers, without pytest.

Contracts are entry points of the group `lgsid.contracts`, named by the kind that they are for (`quantizers`), or by the
kind and a class (`recommenders.GenerativeRecommender`, for classes that derive from it). A package that offers a class
which cannot be made without arguments registers a contract for it, with a `make` of its own.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lgsid import plugins
from lgsid.entry_points import entries_on, normalized
from lgsid.errors import LgsidError
from lgsid.escaping import one_line
from lgsid.plugin_imports import no_exit, same_folder
from lgsid.plugins import CONTRACTS_GROUP, IMPORTABLE, LISTED, Plugin, suggestion

LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Outcome:
    """What the contract tests say of one part.

    Args:
        plugin: The part.
        passed: Number of tests that passed.
        failures: Name of a failed test, or of what came before the tests -> what is wrong.
    """

    plugin: Plugin
    passed: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return a line for the part, and one for each failure."""
        title = f"{self.plugin.kind} {self.plugin.name}"
        done = f"{title}: {self.passed} contract tests passed" + (
            f", {len(self.failures)} failed" * bool(self.failures)
        )
        return "\n".join([done, *(f"  {name}: {why}" for name, why in self.failures.items())])


def check_package(distribution: str) -> list[Outcome]:
    """Import each part that an installed distribution offers, and run the contract tests of its kind.

    Args:
        distribution: Name of the distribution, in any spelling.

    Raises:
        LgsidError: if it is not installed, cannot be read, or offers nothing.
    """
    entries = entries_on(tuple(sys.path))
    wanted = normalized(distribution)
    unreadable = {normalized(name): reason for name, reason in entries.unreadable.items()}
    if wanted in unreadable:
        raise LgsidError(f"{distribution}: {unreadable[wanted]}")
    if wanted not in entries.names:
        offering = {normalized(plugin.distribution) for plugin in plugins.installed()}
        raise LgsidError(f"no package {distribution!r} is installed; {suggestion(wanted, offering)}")
    found = [plugin for plugin in plugins.available() if normalized(plugin.distribution) == wanted]
    if not found:
        raise LgsidError(
            f"{distribution} is installed, but has no entry points in groups of lgsid; see `lgsid plugins`"
        )
    asked = [replace(p, state=LISTED) if p.state == plugins.DUPLICATE else p for p in found]
    return [outcome_of(plugin) for plugin in plugins.check(asked)]


def outcome_of(plugin: Plugin) -> Outcome:
    """Run the contract tests of one part, whose import has been tried in another process."""
    if plugin.state != IMPORTABLE:
        disabled = plugin.state == "disabled"
        hint = f"{plugins.VARIABLE} leaves it out" if disabled else plugin.state.removeprefix("broken: ")
        return Outcome(plugin, failures={"import": hint})
    with undisturbed():
        try:
            contract, part = contract_of(plugin), plugins.resolve(plugin)
            bare = getattr(contract.make, "__isabstractmethod__", False)
            tested = with_part(contract, part) if bare else contract
            tested().make()
        except BaseException as error:
            return Outcome(plugin, failures={"make": why_not_made(plugin, error)})
        failures, passed = {}, 0
        for name in sorted(name for name in dir(tested) if name.startswith("test_")):
            why = why_failed(tested, name)
            passed += not why
            if why:
                failures[name] = why
    return Outcome(plugin, passed, failures)


def contract_of(plugin: Plugin) -> Any:
    """Return the most particular contract for a part: for itself, for a class that it derives from, for its kind.

    Raises:
        LgsidError: if there is none.
    """
    registered: dict[str, str] = {}
    for entry in entries_on(tuple(sys.path)).groups.get(CONTRACTS_GROUP, ()):
        if normalized(entry.distribution) == normalized(plugin.distribution) or entry.name not in registered:
            registered[entry.name] = entry.value
    part = plugins.resolve(plugin)
    names = [f"{plugin.kind}.{plugin.name}"]
    names += [f"{plugin.kind}.{cls.__name__}" for cls in getattr(part, "__mro__", ())]
    for name in (*names, plugin.kind):
        if name in registered:
            return plugins.imported(registered[name], plugin.distribution, plugin.origin)
    raise LgsidError(f"no package registers a contract for {plugin.kind} in [{CONTRACTS_GROUP}]")


def with_part(contract: Any, part: Any) -> Any:
    """Return a contract whose `make` makes a part of a class with as few arguments as it can."""
    return type(f"Test{contract.__name__}", (contract,), {"make": lambda self: contract.made(part)})


def why_not_made(plugin: Plugin, error: BaseException) -> str:
    """Say why a part could not be made for its tests."""
    hint = ""
    if isinstance(error, TypeError) and "required" in str(error):
        hint = (
            f"; give its arguments defaults, or register a contract with a `make` of your own:"
            f' [project.entry-points."{CONTRACTS_GROUP}"] "{plugin.kind}.{plugin.name}" = "package:Contract"'
        )
    return f"it cannot be made ({plugins.reason(error)}){hint}"


def why_failed(tested: Any, name: str) -> str:
    """Run one test; return nothing if it passes, else what it asks, what went wrong, and where."""
    test = tested()
    try:
        getattr(test, name)()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        asks = (getattr(tested, name).__doc__ or "").strip().partition("\n")[0]
        frames = traceback.extract_tb(error.__traceback__)
        last = next((f for f in reversed(frames) if not f.filename.startswith(libraries())), frames[-1])
        told = plugins.reason(error).removesuffix(": ")
        line = f" in `{last.line}`" if not str(error) else ""
        where = f"{Path(last.filename).name}:{last.lineno}"
        return one_line(f"{asks} But: {told}{line} ({where})")[:LONGEST]
    return ""


def libraries() -> tuple[str, ...]:
    """Return the folders of packages in whose lines nobody looks for what went wrong."""
    loaded = (sys.modules.get(name) for name in ("torch", "numpy", "pandas"))
    return tuple(str(Path(module.__file__).parent) for module in loaded if module is not None and module.__file__)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Keep what tests print, warn, cache and do to the process from the rest of the program."""
    before = os.environ.get("LGSID_CACHE")
    with contextlib.ExitStack() as stack:
        os.environ["LGSID_CACHE"] = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(same_folder())
        stack.enter_context(no_exit())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            if before is None:
                del os.environ["LGSID_CACHE"]
            else:
                os.environ["LGSID_CACHE"] = before
