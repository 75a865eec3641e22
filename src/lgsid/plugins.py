"""Find the classes that a config may name: entry points of lgsid itself and of every installed plugin.

The registry is a read-only view of entry points. The group `lgsid.kinds` names the kinds and the base of each; a group
`lgsid.<kind>` holds entry points whose name is the class name, which is also the short name in YAML. Commands are a
kind, too: their entry points are objects, and a dot in a name stands for a space. lgsid registers its own in its own
pyproject, by the same mechanism. Nothing here imports torch until `load` is called.
"""

from __future__ import annotations

import contextlib
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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lgsid.entry_points import KINDS_GROUP, OWN_DISTRIBUTION, entries_on, normalized, own_version
from lgsid.errors import LgsidError
from lgsid.plugin_imports import checked, supervised

logger = logging.getLogger(__name__)

VARIABLE = "LGSID_PLUGINS"
CONTRACTS_GROUP = "lgsid.contracts"
MISFIT = "for lgsid "  # how the state of a part begins whose distribution asks for another version
LISTED, IMPORTABLE, DUPLICATE = "listed", "importable", "duplicate"
VALUE = re.compile(r"\s*[\w.]+\s*:\s*[\w.]+\s*")

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
        state: "listed" (not imported), "importable", "disabled", "duplicate", "for lgsid <0.1" if its distribution asks
            for another version of lgsid, or what is wrong with it.
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


def chosen_distributions() -> set[str] | None:
    """Read `LGSID_PLUGINS`: `None` for all, else the canonical names of the distributions to use beside lgsid."""
    raw = os.environ.get(VARIABLE)
    return None if raw is None else {normalized(part) for part in raw.split(",") if part.strip()}


def kinds() -> Mapping[str, str]:
    """Return each kind with the base that its classes derive from, as `module:class`; lgsid's own kinds first."""
    return kinds_on(tuple(sys.path))


@functools.lru_cache(maxsize=4)
def kinds_on(path: tuple[str, ...]) -> Mapping[str, str]:
    """Read the kinds that the distributions on an import path name; `path` is `sys.path`."""
    entries = sorted(entries_on(path).groups.get(KINDS_GROUP, ()), key=lambda e: e.distribution != OWN_DISTRIBUTION)
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
    groups, order = entries_on(path).groups, list(kinds_on(path))
    found = [
        Plugin(kind, entry.name, entry.value, entry.distribution, entry.version, state="")
        for kind in order
        for entry in groups.get(f"lgsid.{kind}", ())
    ]
    return tuple(sorted(found, key=lambda p: (order.index(p.kind), p.name, p.distribution, p.value)))


def unreadable() -> Mapping[str, str]:
    """Return the enabled distributions whose entry points cannot be read, with the reason."""
    chosen = chosen_distributions()
    found = entries_on(tuple(sys.path)).unreadable
    return {name: reason for name, reason in found.items() if is_enabled(name, chosen)}


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
    misfits = entries_on(tuple(sys.path)).misfits
    enabled = Counter(
        (p.kind, p.name) for p in listed if is_enabled(p.distribution, chosen) and p.distribution not in misfits
    )
    plugins = []
    for plugin in listed:
        if not is_enabled(plugin.distribution, chosen):
            state = "disabled"
        elif plugin.distribution in misfits:
            state = f"{MISFIT}{misfits[plugin.distribution]}"
        elif enabled[plugin.kind, plugin.name] > 1:
            state = DUPLICATE
        else:
            state = doubt(plugin.value) or LISTED
        plugins.append(replace(plugin, state=state))
    return plugins


def is_enabled(distribution: str, chosen: set[str] | None) -> bool:
    """Tell whether `LGSID_PLUGINS` lets a distribution in. lgsid itself always is."""
    return chosen is None or normalized(distribution) in chosen | {OWN_DISTRIBUTION}


def doubt(value: str) -> str:
    """Say what is wrong with the value of an entry point as far as can be told without importing it, else nothing."""
    if not VALUE.fullmatch(value):
        return f"broken: {value!r} is not module:name"
    try:
        found = importlib.util.find_spec(value.partition(":")[0].partition(".")[0].strip())
    except Exception as error:  # a finder or a module of others
        return f"broken: its module cannot be looked for ({reason(error)})"
    return "" if found is not None else "broken: its module is missing"


def check(plugins: Sequence[Plugin]) -> list[Plugin]:
    """Import listed plugins in a process of their own; return them with state "importable" or what is wrong."""
    listed = [plugin for plugin in plugins if plugin.state == LISTED]
    answers = dict(zip(listed, checked([asdict(plugin) for plugin in listed]), strict=True))
    states = {plugin: f"broken: {answer}" if answer else IMPORTABLE for plugin, answer in answers.items()}
    return [replace(plugin, state=states.get(plugin, plugin.state)) for plugin in plugins]


def resolve(plugin: Plugin) -> Any:
    """Import the class of a plugin, or the object of a command, and check that it is of its kind.

    Raises:
        LgsidError: if it cannot be imported, is no class of its kind, or has another name than its entry point.
        KeyboardInterrupt: if the user interrupts the import; it names the plugin's distribution.
    """
    base = base_of(plugin.kind)
    value = imported(plugin.value, plugin.distribution, plugin.origin)
    try:
        check_kind(value, plugin, base)
    except (LgsidError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a metaclass of others, which answers as it likes
        raise LgsidError(f"{plugin.value} cannot be looked at ({reason(error)})") from error
    return value


def check_kind(value: Any, plugin: Plugin, base: type) -> None:
    """Check that what a plugin offers is an instance of `base`, or a concrete class below it with the plugin's name.

    Raises:
        LgsidError: saying what else it is.
    """
    if isinstance(value, base):
        return
    if not inspect.isclass(value) or not issubclass(value, base):
        raise LgsidError(f"{plugin.value} is not a subclass of {base.__module__}.{base.__qualname__}")
    if value.__name__ != plugin.name:
        raise LgsidError(f"{plugin.value} is called {value.__name__}, so its entry point must be, too")
    if inspect.isabstract(value):
        missing = ", ".join(sorted(getattr(value, "__abstractmethods__", ())))
        raise LgsidError(f"{plugin.value} is abstract; it lacks {missing}")


def reason(error: BaseException) -> str:
    """Return the type of an error and the first line of its text, which may itself fail."""
    try:
        text = next(iter(str(error).splitlines()), "")
    except Exception:
        text = "its text cannot be read"
    return f"{type(error).__name__}: {text}"


def base_of(kind: str) -> type:
    """Import the abstract base class of a kind.

    Raises:
        LgsidError: if a plugin names a kind whose base cannot be imported.
    """
    value = kinds()[kind]
    owner = next(e for e in entries_on(tuple(sys.path)).groups[KINDS_GROUP] if (e.name, e.value) == (kind, value))
    base = imported(value, owner.distribution, f"{owner.distribution} {owner.version}".strip())
    if not inspect.isclass(base):
        raise LgsidError(f"{value}, the base of {kind}, is not a class")
    return base


def imported(value: str, distribution: str, origin: str) -> Any:
    """Import what an entry point leads to; a package of others is supervised while it is imported.

    Args:
        value: `module:object`.
        distribution: Name of the distribution that offers it.
        origin: Its name and version.

    Raises:
        LgsidError: if that fails, however it does.
        KeyboardInterrupt: if the user interrupts.
    """
    quiet = distribution == OWN_DISTRIBUTION or value.partition(":")[0].strip() in sys.modules
    try:
        with contextlib.nullcontext() if quiet else supervised(origin):
            return EntryPoint("", value, "").load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise LgsidError(f"{value} cannot be imported ({reason(error)})") from error


@functools.cache
def load() -> Registry:
    """Import every enabled plugin, once, so that configs can name its classes.

    A plugin that cannot be used is a warning that names its distribution and version. Of two distributions with the
    same name in one kind neither is preferred: both are imported, the short name is refused, the full path works.
    Names of lgsid's own commands, which have no other path, stay lgsid's.

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
        if plugin.state == "disabled" or plugin.state.startswith(MISFIT):
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
            own = next((p for p in plugins if p.distribution == OWN_DISTRIBUTION), None)
            if own is not None and not inspect.isclass(classes[name]):
                advice = "lgsid's own is used"
                classes[name] = resolve(own)
            else:
                advice = "name it by its full path"
                del classes[name]
            logger.warning("%s %s is offered more than once: %s; %s", kind, name, owners, advice)
    return MappingProxyType(classes)


def warn_of_unknown() -> None:
    """Warn of distributions in `LGSID_PLUGINS` that are not installed, and of those that cannot be read."""
    known = entries_on(tuple(sys.path)).names
    for name in sorted((chosen_distributions() or set()) - known):
        logger.warning("%s names %r, which is not installed; %s", VARIABLE, name, suggestion(name, known, limit=0))
    for name, why in unreadable().items():
        logger.warning("the plugins of %s are left out: %s", name, why)
    chosen = chosen_distributions()
    for name, asked in entries_on(tuple(sys.path)).misfits.items():
        if is_enabled(name, chosen):
            logger.warning(
                "the plugins of %s are left out: it is for lgsid %s, this is %s; install a version of it for this one",
                name,
                asked,
                own_version(),
            )


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


def packages_named_in(text: str) -> list[str]:
    """Return the distributions of others, with versions, whose classes a text such as a saved config names."""
    found = {
        plugin.origin
        for plugin in installed()
        if plugin.distribution != OWN_DISTRIBUTION
        and re.search(rf"(?<![\w.]){re.escape(plugin.module.partition('.')[0])}\.", text)
    }
    return sorted(found)


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
