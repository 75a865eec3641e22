"""A deprecation names what to use and when it goes, and is gone by then."""

import ast
from pathlib import Path

import pytest

import lgsid
from lgsid.deprecation import deprecated

SOURCE = Path(lgsid.__file__).parent


def old_name(x):
    deprecated("old_name()", "new_name()", "9.0")
    return x


def numbers(version):
    return tuple(int(part) for part in version.split("."))


def calls():
    """Yield file, line and arguments of each call of `deprecated` in lgsid."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "deprecated":
                yield f"{path.name}:{node.lineno}", [ast.literal_eval(value) for value in node.args]


def test_the_warning_names_the_replacement_and_the_version_where_it_is_used():
    with pytest.warns(FutureWarning, match=r"^old_name\(\) goes in lgsid 9\.0; use new_name\(\)$") as seen:
        assert old_name(3) == 3
    assert [warning.filename for warning in seen] == [__file__]


def test_nothing_outlives_the_version_that_it_names():
    late = [place for place, (_, _, version) in calls() if numbers(version) <= numbers(lgsid.__version__)]
    assert not late, "remove what is deprecated there"
