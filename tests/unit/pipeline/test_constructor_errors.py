"""Errors of constructors lead to the entry of the config that has the wrong value, and bugs stay bugs."""

import pytest

from lgsid.errors import LgsidError
from lgsid.pipeline.constructor_errors import class_entries, explain_constructor


class Inner:
    def __init__(self, size=1, bug=False):
        if bug:
            undefined_name  # noqa: B018, F821
        if size < 1:
            raise LgsidError(f"Inner: size must be at least 1, not {size}")


class Outer:
    def __init__(self, size=1, depth=1, inner_size=1, bug=False):
        Inner(inner_size, bug)
        if depth < 1:
            raise ValueError("too flat")


CONFIG = {
    "model": {
        "class_path": "pkg.Outer",
        "init_args": {"depth": 0, "parts": [{"class_path": "pkg.Inner", "init_args": {"size": 0}}]},
    },
    "data": {"class_path": "pkg.Data"},
}


def wrapped(**arguments):
    """Return the error as a parser raises it: wrapped in others."""
    try:
        try:
            Outer(**arguments)
        except Exception as error:
            raise ValueError("Does not validate against any of the Union subtypes") from error
    except ValueError as error:
        return error


def test_an_error_of_ours_is_found_behind_others_with_its_key():
    line = explain_constructor(wrapped(inner_size=0), CONFIG)
    assert line == "model.init_args.parts.0.init_args.size: Inner: size must be at least 1, not 0"


def test_an_error_of_others_says_its_class_and_kind():
    line = explain_constructor(wrapped(depth=0), CONFIG)
    assert line == "model: Outer does not accept these arguments (ValueError: too flat)"


def test_a_class_that_the_config_has_twice_is_not_guessed():
    twice = {**CONFIG, "more": {"class_path": "other.Inner"}}
    assert explain_constructor(wrapped(inner_size=0), twice) == "model: Inner: size must be at least 1, not 0"


def test_a_bug_is_not_explained_away():
    assert explain_constructor(wrapped(bug=True), CONFIG) is None


def test_entries_at_any_depth():
    assert [key for key, _ in class_entries(CONFIG)] == ["model", "model.init_args.parts.0", "data"]
    with pytest.raises(StopIteration):
        next(class_entries({"a": [1, "b"]}))
