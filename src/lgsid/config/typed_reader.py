"""Read the content of a YAML file into a dataclass: unknown keys, missing keys and wrong types are one line."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from lgsid.errors import LgsidError
from lgsid.plugins import suggestion

T = TypeVar("T")
EXPECTED = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "`key: value` lines",
    list: "a list",
}


def read_into(cls: type[T], content: Any, where: str, renamed: Mapping[str, str] | None = None) -> T:
    """Make a dataclass of a mapping, checking keys and types; nested dataclasses, lists and mappings too.

    Args:
        cls: The dataclass.
        content: The mapping.
        where: The file and the place in it, for messages.
        renamed: Key of older files -> key now.

    Raises:
        LgsidError: naming the place and the first wrong key.
    """
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if not isinstance(content, Mapping):
        raise LgsidError(f"{where}: expected `key: value` lines ({', '.join(known)}), found {content!r}")
    for key in content:
        if key in (renamed or {}):
            raise LgsidError(f"{where}: `{key}:` is called `{(renamed or {})[key]}:` now; rename it")
        if key not in known:
            raise LgsidError(f"{where}: unknown key {key!r}; {suggestion(str(key), known)}")
    hints = typing.get_type_hints(cls)
    for name, field in known.items():
        open_default = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if name not in content and open_default:
            raise LgsidError(f"{where}: {name} is missing")
    return cls(**{key: checked(hints[key], value, f"{where}: {key}", renamed) for key, value in content.items()})


def checked(hint: Any, value: Any, where: str, renamed: Mapping[str, str] | None = None) -> Any:
    """Return a value that fits a type.

    Raises:
        LgsidError: if it does not.
    """
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and types.NoneType in parts:
            return None
        return checked_union([part for part in parts if part is not types.NoneType], value, where, renamed)
    if inspect.isclass(hint) and dataclasses.is_dataclass(hint):
        return read_into(hint, value, where, renamed)
    if origin in (list, tuple):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise LgsidError(f"{where}: expected {plural(parts[0])}, found {value!r}")
        items = (checked(parts[0], item, where, renamed) for item in value)
        return tuple(items) if origin is tuple else list(items)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise LgsidError(f"{where}: expected {EXPECTED[dict]}, found {value!r}")
        return {str(key): checked(parts[1], item, f"{where}: {key}", renamed) for key, item in value.items()}
    if origin is typing.Literal:
        if value not in parts:
            raise LgsidError(f"{where}: {suggestion(str(value), map(str, parts))}")
        return value
    if not isinstance(value, (int, float) if hint is float else hint) or (isinstance(value, bool) and hint is not bool):
        raise LgsidError(f"{where}: expected {EXPECTED.get(hint, hint.__name__)}, found {value!r}")
    return value


def checked_union(options: Sequence[Any], value: Any, where: str, renamed: Mapping[str, str] | None) -> Any:
    """Return a value that fits one of several types.

    Raises:
        LgsidError: if it fits none; the last one says why.
    """
    first, *others = options
    if not others:
        return checked(first, value, where, renamed)
    try:
        return checked(first, value, where, renamed)
    except LgsidError:
        return checked_union(others, value, where, renamed)


def plural(part: Any) -> str:
    """Say what a list holds."""
    words = {str: "texts", int: "whole numbers", float: "numbers"}
    return f"a list of {words.get(part, 'entries')}"
