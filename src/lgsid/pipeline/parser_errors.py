"""Turn the nested error of a config parser into one line: what is wrong, where, and what is known there."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from dataclasses import dataclass, field
from typing import Any

from lgsid.plugins import subclasses, suggestion
from lgsid.trust import TRUST_FLAG, top_level_modules

KEY = re.compile(r'Parser key "([^"]+)"')
CLASS = re.compile(r"Problem with given class_path '([^']+)'")
SUBTYPES = re.compile(r"Subtypes: \[(.*)\]")
CLASS_NAME = re.compile(r"([A-Za-z_][\w.]*\.[A-Z]\w*)")
NOT_A_CLASS = re.compile(r"Expected a dot import path string: (\S+)|Import path '?([\w.]+)'? does not correspond")
NOT_IMPORTED = re.compile(r"No module named|cannot import name|has no attribute|does not correspond to a subclass")
NOT_AN_OPTION = re.compile(r"Option '([^']+)' is not accepted|[Kk]ey '([^']+)' is not expected")
UNKNOWN_KEY = re.compile(r"Subcommand '\w+' does not accept option '([\w.]+)'")
UNKNOWN_FLAG = re.compile(r"unrecognized arguments: (--?([\w-]+)[\w.-]*)")
NOT_ALLOWED = re.compile(r"Importing '([\w.]+)' is not allowed")
MISSING = re.compile(r"the following arguments are required: ([\w., ]+)")
FILLER = (
    "Does not validate",
    "Subtypes:",
    "Errors:",
    "Given value",
    "Expected a <class 'NoneType'>",
    "Expected a path",
)
NOT_OURS = ("builtins", "typing", "collections.abc")
TOP_KEYS = ("seed_everything", "trainer", "model", "data", "run_folder", "ckpt_path")
TOP_FLAGS = ("--config", "--run-folder", "--seed_everything", "--trainer", "--model", "--data", "--ckpt_path")
LISTED = 30


@dataclass
class Place:
    """Where in a config an error is: the keys down to it, and the class whose argument the last key is.

    Args:
        keys: The dotted key, in parts.
        owner: Full path of the class that has the argument, empty at the top.
        argument: Name of the argument, empty where the class itself is the trouble.
        bases: Classes that the value may derive from, as far as the message says.
        top_keys: The keys of the whole config.
    """

    keys: list[str] = field(default_factory=list)
    owner: str = ""
    argument: str = ""
    bases: list[Any] = field(default_factory=list)
    top_keys: tuple[str, ...] = TOP_KEYS

    @property
    def name(self) -> str:
        """The dotted key."""
        return ".".join(self.keys) or "config"

    def read(self, line: str) -> None:
        """Go where a line of the message leads."""
        for match in KEY.finditer(line):
            self.keys.append(match[1])
            self.argument = match[1]
            self.bases = classes_in(annotation(self.owner, match[1]))
        if found := CLASS.search(line):
            self.owner, self.argument = found[1], ""
        elif (found := SUBTYPES.search(line)) and not (self.owner and self.argument):
            named = [imported(name) for name in CLASS_NAME.findall(found[1])]
            self.bases = [cls for cls in named if cls in classes_in(cls)] or self.bases


def explain(message: str, owner: str = "") -> str:
    """Return one line for the message of a parser's error.

    A class name that is not known is answered with the known ones, an argument that a class does not have with those
    that it has.

    Args:
        message: What the parser said.
        owner: Full path of the class whose arguments the top keys are; empty for those of a training.
    """
    cls = imported(owner)
    known = TOP_KEYS if cls is None else tuple(name for name in inspect.signature(cls).parameters if name != "self")
    place = Place(owner=owner, top_keys=known)
    for line in message.splitlines():
        place.read(line)
        if found := specific(line, place):
            return found
    kept = [re.sub(r"\s+", " ", line).strip(" -") for line in message.splitlines()]
    kept = [line for line in kept if line and not line.startswith(FILLER)]
    kept = [line for line in kept if not KEY.search(line) and not CLASS.search(line)]
    text = "; ".join(dict.fromkeys(kept)) or re.sub(r"\s+", " ", message)
    text = re.sub(r"Expected an? <class '([\w.]+)'>", r"expected \1", text)
    where = f"{place.name}: " if place.keys else ""
    return where + (text if len(text) <= 400 else text[:400] + " ...")


def specific(line: str, place: Place) -> str | None:
    """Return the explanation of a line whose cause is known, `None` for all others."""
    if match := NOT_ALLOWED.search(line):
        top = match[1].partition(".")[0]
        gone = (
            f"; no package with {top} is installed: a config that lgsid saved says in its first line which one it needs"
        )
        return (
            f"{place.name}: {match[1]} may not be named: it is not of lgsid, of a plugin, or of the optimizers, layers "
            f"and trainer parts of torch and lightning"
            + (f"; if you trust the config, add {TRUST_FLAG}" if top in top_level_modules() else gone)
        )
    if match := UNKNOWN_KEY.search(line):
        return unknown_key(given(match), place)
    if (match := UNKNOWN_FLAG.search(line)) and ("." not in match[1] or match[2] not in TOP_KEYS):
        return f"unknown option {match[1]!r}; {suggestion(match[1], TOP_FLAGS)}"
    if match := UNKNOWN_FLAG.search(line):
        return unknown_key(match[1].lstrip("-"), place)
    if match := MISSING.search(line):
        names = [name.strip().partition(".")[2] or name.strip() for name in match[1].split(",")]
        prefix = f"{place.name}." if place.keys else ""
        return (
            f"missing: {', '.join(prefix + name for name in names)}; give it in the config or as --{prefix}{names[0]}"
        )
    if NOT_A_CLASS.search(line) or (NOT_IMPORTED.search(line) and not place.argument):
        match = NOT_A_CLASS.search(line)
        name = given(match) if match else place.owner
        known = sorted({short for base in place.bases for short in subclasses(base)})
        if known:
            return f"{place.name}: no class {name!r}; {suggestion(name.rpartition('.')[2], known, LISTED)}"
    if match := NOT_AN_OPTION.search(line):
        name, owner = given(match), imported(place.owner)
        if place.argument:  # of a class that the argument makes, such as an optimizer
            made = re.search(r"class_path='([\w.]+)'", line)
            owner = imported(made[1]) if made else None
        if owner is not None:
            known = [key for key in inspect.signature(owner).parameters if key != "self"]
            return f"{place.name}: {owner.__name__} has no argument {name!r}; {suggestion(name, known)}"
    return None


def unknown_key(key: str, place: Place) -> str | None:
    """Explain a dotted key that leads nowhere, `None` if what is known at its place cannot be told."""
    *path, last = key.split(".")
    parent = ".".join(path)
    top = key.partition(".")[0]
    if top not in place.top_keys:
        return f"unknown key {top!r}; {suggestion(top, place.top_keys)}"
    if not path:
        return None
    owner = imported("lightning.pytorch.Trainer") if path == ["trainer"] else imported(place.owner)
    if owner is None:
        return None
    known = [name for name in inspect.signature(owner).parameters if name != "self"]
    return f"{parent}: {owner.__name__} has no argument {last!r}; {suggestion(last, known, LISTED)}"


def given(match: re.Match[str]) -> str:
    """Return the first group that matched."""
    return next(group for group in match.groups() if group)


def annotation(owner: str, argument: str) -> Any:
    """Return the type of an argument of a class, `None` if it cannot be told."""
    cls = imported(owner)
    if not inspect.isclass(cls):
        return None
    try:
        return typing.get_type_hints(cls.__init__).get(argument)
    except (NameError, TypeError, AttributeError):
        return None


def classes_in(hint: Any) -> list[Any]:
    """Return the classes of ours or of a library inside a type: `X` of `list[X]`, `X | None` and `Callable[..., X]`."""
    parts = typing.get_args(hint)
    if parts and isinstance(parts[0], list):  # Callable[[...], X]
        parts = parts[1:]
    if parts:
        return [cls for part in parts for cls in classes_in(part)]
    return [hint] if inspect.isclass(hint) and hint.__module__ not in NOT_OURS else []


def imported(path: str) -> Any:
    """Return `module.name` of a module that the parser has imported, `None` if there is none."""
    module, _, name = path.rpartition(".")
    return getattr(sys.modules.get(module), name, None)
