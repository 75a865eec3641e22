"""YAML content into dataclasses: one line for whatever is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from lgsid.config.typed_reader import read_into
from lgsid.errors import LgsidError


@dataclass
class Part:
    name: str
    kind: Literal["a", "b"] = "a"


@dataclass
class Whole:
    size: int
    parts: dict[str, Part] = field(default_factory=dict)
    words: list[str] | str | None = None
    share: float = 0.5
    flag: bool = False
    rest: dict[str, Any] | None = None


def test_all_types():
    content = {"size": 3, "parts": {"x": {"name": "n", "kind": "b"}}, "words": ["u"], "share": 1, "rest": {1: [2]}}
    assert read_into(Whole, content, "f") == Whole(3, {"x": Part("n", "b")}, ["u"], 1, False, {"1": [2]})
    assert read_into(Whole, {"size": 1, "words": "u"}, "f").words == "u"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "f: size is missing"),
        ({"size": "3"}, "f: size: expected a whole number, found '3'"),
        ({"size": True}, "f: size: expected a whole number, found True"),
        ({"size": 1, "sise": 2}, "f: unknown key 'sise'; did you mean size?"),
        ({"size": 1, "parts": {"x": {"nme": "n"}}}, "f: parts: x: unknown key 'nme'; did you mean name?"),
        ({"size": 1, "parts": {"x": {"name": "n", "kind": "c"}}}, "f: parts: x: kind: known: a, b"),
        ({"size": 1, "parts": []}, "f: parts: expected `key: value` lines, found []"),
        ({"size": 1, "words": 3}, "f: words: expected a text, found 3"),
        ({"size": 1, "share": "much"}, "f: share: expected a number"),
        ({"size": 1, "flag": 1}, "f: flag: expected true or false"),
        ({"old": 1}, "f: `old:` is called `size:` now; rename it"),
        ([], "f: expected `key: value` lines (size, parts, words, share, flag, rest), found []"),
    ],
)
def test_one_line(content, message):
    with pytest.raises(LgsidError) as error:
        read_into(Whole, content, "f", {"old": "size"})
    assert str(error.value).startswith(message)
