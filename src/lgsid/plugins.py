"""Find the classes that a config may name: entry points of lgsid itself and of every installed plugin.

The registry is a read-only view of entry points. The group `lgsid.kinds` names the kinds and the base of each; a group
`lgsid.<kind>` holds entry points whose name is the class name, which is also the short name in YAML. Commands are a
kind, too: their entry points are objects, and a dot in a name stands for a space. lgsid registers its own in its own
pyproject, by the same mechanism. Nothing here imports torch until `load` is called.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import inspect
import logging
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lgsid.errors import LgsidError

logger = logging.getLogger(__name__)

OWN_DISTRIBUTION = "lgsid"
VARIABLE = "LGSID_PLUGINS"

KINDS_GROUP = "lgsid.kinds"

Registry = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Plugin:
    """One class or command that a distribution offers.

    Args:
        kind: The kind, a key of `kinds()`.
        name: Its short name in a config.
        value: Where it is, `module:class`.
        distribution: Name of the distribution that offers it.
        version: Version of that distribution.
        state: "ready", "disabled", "duplicate", or what is wrong with it.
    """

    kind: str
    name: str
    value: str
    distribution: str
    version: str
    state: str

    @property
    def module(self) -> str:
        """Dotted name of the module that the entry point names."""
        return self.value.partition(":")[0].strip()

    @property
    def origin(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}".strip()


def normalized(distribution: str) -> str:
    """Return the canonical spelling of a distribution name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower().strip()


def chosen_distributions() -> set[str] | None:
    """Read `LGSID_PLUGINS`: `None` for all, else the canonical names of the distributions to use beside lgsid."""
    raw = os.environ.get(VARIABLE)
    return None if raw is None else {normalized(part) for part in raw.split(",") if part.strip()}


def kinds() -> Mapping[str, str]:
    """Return each kind with the base that its classes derive from, as `module:class`; lgsid's own kinds first."""
    return kinds_on(tuple(sys.path))


@functools.lru_cache(maxsize=4)
def entries_on(path: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Read all entry points of lgsid's groups on an import path, by group: one walk through the distributions."""
    found: dict[str, list[EntryPoint]] = defaultdict(list)
    seen: set[str] = set()
    for distribution in distributions():
        name = normalized(distribution.metadata["Name"] or "")
        if name not in seen:  # of two installations the first on the path counts, as for imports
            seen.add(name)
            for entry in distribution.entry_points:
                if entry.group.startswith(f"{OWN_DISTRIBUTION}."):
                    found[entry.group].append(entry)
    return MappingProxyType({group: tuple(entries) for group, entries in found.items()})


@functools.lru_cache(maxsize=4)
def kinds_on(path: tuple[str, ...]) -> Mapping[str, str]:
    """Read the kinds that the distributions on an import path name; `path` is `sys.path`."""
    entries = sorted(
        entries_on(path).get(KINDS_GROUP, ()), key=lambda e: e.dist is None or e.dist.name != OWN_DISTRIBUTION
    )
    found: dict[str, str] = {}
    for entry in entries:
        found.setdefault(entry.name, entry.value)
    return MappingProxyType(found)


def installed() -> tuple[Plugin, ...]:
    """Return everything that is installed, in a stable order, with an empty state."""
    return found_on(tuple(sys.path))


@functools.lru_cache(maxsize=4)
def found_on(path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Read the entry points of what an import path leads to; `path` is `sys.path`, read once for each value of it."""
    found: list[Plugin] = []
    order = list(kinds())
    for kind in order:
        for entry in entries_on(path).get(f"lgsid.{kind}", ()):
            owner, version = (entry.dist.name or "?", entry.dist.version) if entry.dist is not None else ("?", "")
            found.append(Plugin(kind, entry.name, entry.value, owner, version, state=""))
    return tuple(sorted(found, key=lambda p: (order.index(p.kind), p.name, p.distribution, p.value)))


def available(kind: str | None = None) -> list[Plugin]:
    """List what is installed without importing it, disabled and doubtful ones included.

    Args:
        kind: A key of `kinds()`, or `None` for all of them.

    Raises:
        LgsidError: if there is no such kind.
    """
    if kind is not None and kind not in kinds():
        raise LgsidError(f"unknown kind of plugin {kind!r}; {suggestion(kind, kinds())}")
    chosen = chosen_distributions()
    listed = [plugin for plugin in installed() if kind in (None, plugin.kind)]
    enabled = Counter((p.kind, p.name) for p in listed if is_enabled(p.distribution, chosen))
    plugins = []
    for plugin in listed:
        if not is_enabled(plugin.distribution, chosen):
            state = "disabled"
        elif enabled[plugin.kind, plugin.name] > 1:
            state = "duplicate"
        else:
            state = "ready" if module_exists(plugin.value) else "broken: its module is missing"
        plugins.append(replace(plugin, state=state))
    return plugins


def is_enabled(distribution: str, chosen: set[str] | None) -> bool:
    """Tell whether `LGSID_PLUGINS` lets a distribution in. lgsid itself always is."""
    return chosen is None or normalized(distribution) in chosen | {OWN_DISTRIBUTION}


def module_exists(value: str) -> bool:
    """Tell whether the top-level package of `module:class` can be found, without importing it."""
    try:
        return importlib.util.find_spec(value.partition(":")[0].partition(".")[0].strip()) is not None
    except (ImportError, ValueError):
        return False


def resolve(plugin: Plugin) -> Any:
    """Import the class of a plugin, or the object of a command, and check that it is of its kind.

    Raises:
        LgsidError: if it cannot be imported, is no class of its kind, or has another name than its entry point.
    """
    try:
        value = EntryPoint(plugin.name, plugin.value, f"lgsid.{plugin.kind}").load()
    except (Exception, SystemExit) as error:
        reason = str(error).splitlines()[0] if str(error) else ""
        raise LgsidError(f"{plugin.value} cannot be imported ({type(error).__name__}: {reason})") from error
    base = base_of(plugin.kind)
    if isinstance(value, base):
        return value
    if not inspect.isclass(value) or not issubclass(value, base):
        raise LgsidError(f"{plugin.value} is not a subclass of {base.__module__}.{base.__qualname__}")
    if value.__name__ != plugin.name:
        raise LgsidError(f"{plugin.value} is called {value.__name__}, so its entry point must be, too")
    if inspect.isabstract(value):
        missing = ", ".join(sorted(getattr(value, "__abstractmethods__", ())))
        raise LgsidError(f"{plugin.value} is abstract; it lacks {missing}")
    return value


def base_of(kind: str) -> type:
    """Import the abstract base class of a kind."""
    module, _, name = kinds()[kind].partition(":")
    base: type = getattr(importlib.import_module(module), name)
    return base


@functools.cache
def load() -> Registry:
    """Import every enabled plugin, once, so that configs can name its classes.

    A plugin that cannot be used is a warning that names its distribution and version. Of two distributions with the
    same name in one kind neither is preferred: both are imported, the short name is refused, the full path works.

    Returns:
        Kind -> short name -> class, read-only.
    """
    warn_of_unknown()
    return MappingProxyType({kind: load_kind(kind) for kind in kinds()})


@functools.cache
def load_kind(kind: str) -> Mapping[str, Any]:
    """Import the enabled plugins of one kind, once. Returns short name -> class, read-only."""
    classes: dict[str, Any] = {}
    rivals: dict[str, list[Plugin]] = defaultdict(list)
    for plugin in available(kind):
        if plugin.state == "disabled":
            continue
        try:
            value = resolve(plugin)
        except LgsidError as error:
            logger.warning("plugin %s of %s is left out: %s", plugin.name, plugin.origin, error)
            continue
        rivals[plugin.name].append(plugin)
        classes[plugin.name] = value
    for name, plugins in rivals.items():
        if len({p.value for p in plugins}) > 1:
            owners = ", ".join(f"{p.value.replace(':', '.')} of {p.origin}" for p in plugins)
            logger.warning("%s %s is offered more than once: %s; name it by its full path", kind, name, owners)
            del classes[name]
    return MappingProxyType(classes)


def warn_of_unknown() -> None:
    """Warn of distributions in `LGSID_PLUGINS` that are not installed."""
    chosen = chosen_distributions()
    known = {normalized(name) for d in distributions() if (name := d.metadata["Name"])} if chosen else set()
    for name in sorted((chosen or set()) - known):
        logger.warning("%s names %r, which is not installed; %s", VARIABLE, name, suggestion(name, known, limit=0))


def moved_class(path: str) -> str | None:
    """Return where a class is now if `path` is one of lgsid's that leads nowhere any more, else `None`."""
    package, *parts = path.split(".")
    if package != OWN_DISTRIBUTION or len(parts) < 2 or not all(part.isidentifier() for part in parts):
        return None
    module = Path(__file__).parent.joinpath(*parts[:-1])
    if module.is_dir() or module.with_suffix(".py").is_file():
        return None
    now = [p.value for p in installed() if p.name == parts[-1] and p.value.startswith(f"{OWN_DISTRIBUTION}.")]
    return now[0].replace(":", ".") if now else None


def subclasses(base: type) -> dict[str, list[type]]:
    """Return the concrete classes under `base` that are imported, by short name. This is what a config can name."""
    found: dict[str, list[type]] = defaultdict(list)
    seen: set[type] = set()

    def visit(cls: type) -> None:
        if cls in seen:
            return
        seen.add(cls)
        hidden = "<locals>" in cls.__qualname__ or cls.__name__.startswith("_")
        if cls is not base and not inspect.isabstract(cls) and not hidden:
            found[cls.__name__].append(cls)
        children: list[type] = cls.__subclasses__()
        for child in children:
            visit(child)

    visit(base)
    return dict(sorted(found.items()))


def suggestion(name: str, known: Iterable[str], limit: int = 40) -> str:
    """Say what a wrong name may have meant: the closest match, then the known names.

    Args:
        name: What the user wrote.
        known: The names there are.
        limit: How many of them to list.
    """
    names = sorted(known)
    lowered = {n.lower(): n for n in names}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.5)
    parts = [f"did you mean {lowered[close[0]]}?"] if close else []
    if limit:
        listed = ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
        parts.append(f"known: {listed or 'none'}")
    return " ".join(parts) or "no similar name is known"
