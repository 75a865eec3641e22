"""Read what installed packages offer to lgsid, whatever state their metadata are in."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distributions
from importlib.metadata import version as version_of
from pathlib import Path
from types import MappingProxyType

OWN_DISTRIBUTION = "lgsid"
KINDS_GROUP = "lgsid.kinds"  # in which lgsid itself names its kinds, and a plugin may name more
GROUPS = "lgsid."  # what the names of lgsid's groups begin with


@dataclass(frozen=True)
class Entry:
    """One entry point.

    Args:
        name: Its name.
        value: Where it leads, `module:object`.
        distribution: Name of the distribution that offers it; the name of its metadata folder if it has none.
        version: Version of that distribution, empty if it has none.
    """

    name: str
    value: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Entries:
    """All entry points for lgsid on an import path.

    Args:
        groups: Name of the group -> its entry points.
        names: Canonical names of all distributions there.
        unreadable: Distributions whose entry points cannot be read -> the reason.
        misfits: Distributions that ask for another version of lgsid -> the versions that they ask for.
    """

    groups: Mapping[str, tuple[Entry, ...]]
    names: frozenset[str]
    unreadable: Mapping[str, str]
    misfits: Mapping[str, str] = field(default_factory=dict)


def normalized(distribution: str) -> str:
    """Return the canonical spelling of a distribution name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower().strip()


@functools.lru_cache(maxsize=4)
def entries_on(path: tuple[str, ...]) -> Entries:
    """Read all entry points of lgsid's groups on an import path, in one walk through the distributions.

    Args:
        path: `sys.path`, so that each value of it is read once.
    """
    groups: dict[str, list[Entry]] = defaultdict(list)
    names: set[str] = set()
    unreadable: dict[str, str] = {}
    misfits: dict[str, str] = {}
    for distribution in distributions():
        name, version = identity(distribution)
        if normalized(name) in names:  # of two installations the first on the path counts, as for imports
            continue
        try:
            offered = [entry for entry in distribution.entry_points if entry.group.startswith(GROUPS)]
            if normalized(name) == OWN_DISTRIBUTION and KINDS_GROUP not in {entry.group for entry in offered}:
                continue  # another package that calls itself lgsid would hide what lgsid offers
            if offered and normalized(name) != OWN_DISTRIBUTION and (asked := other_version(distribution)):
                misfits[name] = asked
            for entry in offered:
                groups[entry.group].append(Entry(entry.name, entry.value, name, version))
        except Exception as error:
            if offers_something(distribution):
                unreadable[name] = f"its entry_points.txt cannot be read ({type(error).__name__}: {error})"
        names.add(normalized(name))
    found = {group: tuple(entries) for group, entries in groups.items()}
    return Entries(MappingProxyType(found), frozenset(names), MappingProxyType(unreadable), MappingProxyType(misfits))


def identity(distribution: Distribution) -> tuple[str, str]:
    """Return the name and the version of a distribution, whose metadata may be missing or unreadable."""
    try:
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
    except Exception:  # no text, not UTF-8, no such key: it depends on the version of Python
        name, version = None, None
    folder = getattr(distribution, "_path", None)
    return name or (Path(folder).name if folder is not None else "a package without a name"), version or ""


def own_version() -> str:
    """Return the version of lgsid that is installed, empty if that cannot be told."""
    try:
        return version_of(OWN_DISTRIBUTION)
    except PackageNotFoundError:
        return ""


def other_version(distribution: Distribution) -> str:
    """Return the versions of lgsid that a distribution asks for, if this is none of them; else nothing."""
    from packaging.requirements import InvalidRequirement, Requirement

    own = own_version()
    try:
        requirements = distribution.requires or ()
    except Exception:  # metadata that are missing or unreadable ask for nothing
        return ""
    for text in requirements:
        try:
            asked = Requirement(text)
        except InvalidRequirement:
            continue
        applies = asked.marker is None or asked.marker.evaluate({"extra": ""})
        of_ours = own and applies and normalized(asked.name) == OWN_DISTRIBUTION
        if of_ours and not asked.specifier.contains(own, prereleases=True):
            return str(asked.specifier)
    return ""


def offers_something(distribution: Distribution) -> bool:
    """Tell whether entry points that cannot be read may be for lgsid."""
    try:
        return f"[{GROUPS}" in (distribution.read_text("entry_points.txt") or "")
    except Exception:  # nobody can tell
        return True
