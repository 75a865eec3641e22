"""Put settings over others: mappings merge, everything else replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLASS, ARGUMENTS = "class_path", "init_args"


def merged(base: Any, over: Any) -> Any:
    """Return `base` with `over` on top.

    Mappings merge deeply; lists and other values replace. Where `over` names another class, the arguments of the base's
    class go, because they are not its own.
    """
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    below = dict(base)
    if CLASS in over and CLASS in below and short_name(over[CLASS]) != short_name(below[CLASS]):
        below.pop(ARGUMENTS, None)
    return {**below, **{key: merged(below[key], value) if key in below else value for key, value in over.items()}}


def nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Write dotted keys out: `{"a.b": 1}` as `{"a": {"b": 1}}`; later ones win."""
    result: dict[str, Any] = {}
    for dotted, value in options.items():
        for key in reversed(dotted.split(".")):
            value = {key: value}
        result = merged(result, value)
    return result


def short_name(class_path: Any) -> str:
    """Return the last part of a class path."""
    return str(class_path).rpartition(".")[2]
