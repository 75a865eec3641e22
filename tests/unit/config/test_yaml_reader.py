"""YAML that means two things, or never ends, is one line; all else is what PyYAML reads."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fuzz.yaml_texts import bombs
from lgsid.config.config_files import MAX_CHAIN, read_config
from lgsid.config.yaml_reader import MAX_VALUES, read_values
from lgsid.errors import LgsidError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_what_was_written_is_read(value):
    assert read_values(yaml.safe_dump(value), "x") == value


@given(PLAIN)
def test_aliases_are_read_like_what_they_stand_for(value):
    shared = {"a": value, "b": value, "c": [value]}
    assert read_values(yaml.safe_dump(shared), "x") == shared


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x: not valid YAML: line 3, column 1: the key 'a' occurs twice \\(first in line 1\\)"),
        ("a:\n  b: 1\n  b: 1\n", "line 3, column 3: the key 'b' occurs twice"),
        ("a: &a [*a]\n", "contains itself"),
        ("on: 1\n", "the key 'on' is no text; put it in quotes"),
        ("? [a]\n: 1\n", "a list or mapping is no text"),
        ("a: 2024-13-45\n", "a value cannot be read"),
        ("a: " + "[" * 200, "nested more than"),
    ],
)
def test_one_line_says_what_is_wrong_and_where(text, message):
    with pytest.raises(LgsidError, match=message):
        read_values(text, "x")


@pytest.mark.parametrize(("name", "text"), [pair for pair in bombs() if pair[0].startswith(("alias", "merge"))])
def test_bombs_end_at_once(name, text):
    with pytest.raises(LgsidError, match=f"more than {MAX_VALUES:,} values"):
        read_values(text, "x")


def test_a_chain_of_configs_ends(tmp_path):
    for number in range(MAX_CHAIN + 5):
        (tmp_path / f"c{number}.yaml").write_text(f"extends: c{number + 1}.yaml\n")
    with pytest.raises(LgsidError, match="too many others"):
        read_config(tmp_path / "c0.yaml")


def test_configs_that_name_two_others_each_end(tmp_path):
    for number in range(15):
        (tmp_path / f"d{number}.yaml").write_text(f"a: d{number + 1}.yaml\nb: d{number + 1}.yaml\n")
    (tmp_path / "d15.yaml").write_text("x: 1\n")
    with pytest.raises(LgsidError, match="too many others"):
        read_config(tmp_path / "d0.yaml")
