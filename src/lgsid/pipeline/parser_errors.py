"""Turn the nested error of a config parser into one line: what is wrong, where, and what is known there."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass
from typing import Any

from lgsid.plugins import subclasses, suggestion

KEY = re.compile(r'^\s*Parser key "([^"]+)"')
CLASS = re.compile(r"Problem with given class_path '([^']+)'")
BASE = re.compile(r"Subtypes: \[?<class '([^']+)'>")
NOT_A_CLASS = re.compile(r"Expected a dot import path string: (\S+)|Import path (\S+) does not correspond")
NOT_IMPORTED = re.compile(r"(?:No module named|cannot import name|has no attribute) '([\w.]+)'")
NOT_A_SUBCLASS = re.compile(r"(?:Import path|Given class) ['\"]?([\w.]+)['\"]? (?:does not correspond|is not)")
NOT_AN_OPTION = re.compile(r"Option '([^']+)' is not accepted|[Kk]ey '([^']+)' is not expected")
FILLER = (
    "Does not validate",
    "Subtypes:",
    "Errors:",
    "Given value",
    "- Expected a <class 'NoneType'>",
    "- Expected a path",
)


@dataclass
class Place:
    """Where in a config an error is: the innermost key, base class and class that the message names before it."""

    keys: list[str]
    base: str = ""
    owner: str = ""

    @property
    def name(self) -> str:
        """The dotted key."""
        return ".".join(self.keys) or "config"


def explain(message: str) -> str:
    """Return one line for the message of a parser's error.

    A class name that is not known is answered with the known ones, an argument that a class does not have with those
    that it has.
    """
    place = Place([])
    for line in message.splitlines():
        if match := KEY.search(line):
            place.keys.append(match[1])
        elif match := CLASS.search(line):
            place.owner = match[1]
        elif match := BASE.search(line):
            place.base = match[1]
        if found := specific(line, place):
            return found
    kept = [re.sub(r"\s+", " ", line).strip(" -") for line in message.splitlines()]
    kept = [line for line in kept if line and not line.startswith(FILLER)]
    kept = [line for line in kept if not KEY.search(line) and not CLASS.search(line)]
    text = "; ".join(dict.fromkeys(kept)) or re.sub(r"\s+", " ", message)
    where = f"{place.name}: " if place.keys else ""
    return where + (text if len(text) <= 400 else text[:400] + " ...")


def specific(line: str, place: Place) -> str | None:
    """Return the explanation of a line whose cause is known, `None` for all others."""
    if match := NOT_A_CLASS.search(line) or NOT_A_SUBCLASS.search(line) or NOT_IMPORTED.search(line):
        name = next(group for group in match.groups() if group)
        base = imported(place.base)
        if inspect.isclass(base):
            return f"{place.name}: no class {name!r}; {suggestion(name.rpartition('.')[2], subclasses(base))}"
    if match := NOT_AN_OPTION.search(line):
        name = next(group for group in match.groups() if group)
        owner = imported(place.owner)
        if owner is not None:
            known = [key for key in inspect.signature(owner).parameters if key != "self"]
            return f"{place.name}: {owner.__name__} has no argument {name!r}; {suggestion(name, known)}"
    return None


def imported(path: str) -> Any:
    """Import `module.name`, `None` where that fails."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError):
        return None
