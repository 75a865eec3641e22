"""Find the classes that a config may name: entry points of lgsid itself and of every installed plugin.

The registry is a read-only view of entry points. A group `lgsid.<kind>` holds entry points whose name is the class
name, which is also the short name in YAML. lgsid registers its own classes in its own pyproject, by the same
mechanism. Nothing here imports torch until `load` is called.
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
from importlib.metadata import EntryPoint, distributions, entry_points
from types import MappingProxyType

from lgsid.errors import LgsidError

logger = logging.getLogger(__name__)

OWN_DISTRIBUTION = "lgsid"
VARIABLE = "LGSID_PLUGINS"

# Kind -> the abstract base that its classes derive from, as `module:class`. The group is `lgsid.<kind>`.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "reward_models": "lgsid.module:LgsidModule",
        "aligners": "lgsid.module:LgsidModule",
        "tokenizers": "lgsid.tokenizers:Tokenizer",
        "recommenders": "lgsid.recommenders:Recommender",
        "quantizers": "lgsid.quantizers:Quantizer",
        "geo_encoders": "lgsid.geo:GeoEncoder",
        "text_encoders": "lgsid.text:TextEncoder",
        "data_sources": "lgsid.datasets:DataSource",
        "data_modules": "lgsid.module:LgsidDataModule",
        "splits": "lgsid.datasets:Split",
        "attribute_encoders": "lgsid.tokenizers:AttributeEncoder",
        "collision_strategies": "lgsid.tokenizers:CollisionStrategy",
        "reward_losses": "lgsid.rewards:RewardLoss",
        "head_inputs": "lgsid.rewards:HeadInput",
        "preference_losses": "lgsid.alignment:PreferenceLoss",
        "pair_samplers": "lgsid.alignment:PairSampler",
        "history_tokens": "lgsid.recommenders:HistoryTokens",
        "sid_features": "lgsid.recommenders:SidFeatures",
        "distance_features": "lgsid.recommenders:DistanceFeatures",
    }
)

Registry = Mapping[str, Mapping[str, type]]


@dataclass(frozen=True)
class Plugin:
    """One class that a distribution offers.

    Args:
        kind: The kind, a key of `KINDS`.
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


def installed() -> tuple[Plugin, ...]:
    """Return everything that is installed, in a stable order, with an empty state."""
    return found_on(tuple(sys.path))


@functools.lru_cache(maxsize=4)
def found_on(path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Read the entry points of what an import path leads to; `path` is `sys.path`, read once for each value of it."""
    found: list[Plugin] = []
    for kind in KINDS:
        for entry in entry_points(group=f"lgsid.{kind}"):
            owner, version = (entry.dist.name or "?", entry.dist.version) if entry.dist is not None else ("?", "")
            found.append(Plugin(kind, entry.name, entry.value, owner, version, state=""))
    order = list(KINDS)
    return tuple(sorted(found, key=lambda p: (order.index(p.kind), p.name, p.distribution, p.value)))


def available(kind: str | None = None) -> list[Plugin]:
    """List what is installed without importing it, disabled and doubtful ones included.

    Args:
        kind: A key of `KINDS`, or `None` for all of them.

    Raises:
        LgsidError: if there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise LgsidError(f"unknown kind of plugin {kind!r}; {suggestion(kind, KINDS)}")
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


def resolve(plugin: Plugin) -> type:
    """Import the class of a plugin and check that a config can use it.

    Raises:
        LgsidError: if it cannot be imported, is no class of its kind, or has another name than its entry point.
    """
    try:
        value = EntryPoint(plugin.name, plugin.value, f"lgsid.{plugin.kind}").load()
    except (Exception, SystemExit) as error:
        reason = str(error).splitlines()[0] if str(error) else ""
        raise LgsidError(f"{plugin.value} cannot be imported ({type(error).__name__}: {reason})") from error
    base = base_of(plugin.kind)
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
    module, _, name = KINDS[kind].partition(":")
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
    chosen = chosen_distributions()
    known = {normalized(name) for d in distributions() if (name := d.metadata["Name"])} if chosen else set()
    for name in sorted((chosen or set()) - known):
        logger.warning("%s names %r, which is not installed; %s", VARIABLE, name, suggestion(name, known, limit=0))
    classes: dict[str, dict[str, type]] = {kind: {} for kind in KINDS}
    rivals: dict[tuple[str, str], list[Plugin]] = defaultdict(list)
    for plugin in available():
        if plugin.state == "disabled":
            continue
        try:
            value = resolve(plugin)
        except LgsidError as error:
            logger.warning("plugin %s of %s is left out: %s", plugin.name, plugin.origin, error)
            continue
        rivals[plugin.kind, plugin.name].append(plugin)
        classes[plugin.kind][plugin.name] = value
    for (kind, name), plugins in rivals.items():
        if len({p.value for p in plugins}) > 1:
            owners = ", ".join(f"{p.value.replace(':', '.')} of {p.origin}" for p in plugins)
            logger.warning("%s %s is offered more than once: %s; name it by its full path", kind, name, owners)
            del classes[kind][name]
    return MappingProxyType({kind: MappingProxyType(found) for kind, found in classes.items()})


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
