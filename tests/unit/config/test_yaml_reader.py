"""YAML that means two things, or never ends, is one line; all else is what PyYAML reads."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fuzz.yaml_texts import bombs
from lgsid.config.config_files import MAX_CHAIN, read_config
from lgsid.config.yaml_reader import MAX_VALUES, load_argument, read_values
from lgsid.errors import LgsidError
from lgsid.pipeline.parse_only import parse_training


def is_text_in_both(text):
    """Tell whether PyYAML writes a text so that YAML 1.2 reads a text: `0E0` is written without quotes."""
    return isinstance(read_values(yaml.safe_dump([text]), "x")[0], str)


TEXTS = st.text(max_size=8).filter(is_text_in_both)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
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
        ("0E0: 1\n", "the key '0E0' is no text; put it in quotes"),
        ("on: 1\n", "the key 'on' is no text; put it in quotes"),
        ("? [a]\n: 1\n", "a list or mapping is no text"),
        ("a: " + "[" * 200, "nested more than"),
        ("a: 1\nb: [1.5, .NaN]\n", "line 2, column 10: .NaN is not a number"),
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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30", "12:30"),
        ("010", "010"),
        ("0b1", "0b1"),
        ("2024-05-01", "2024-05-01"),
        ("2024-13-45", "2024-13-45"),
        ("=", "="),
        ("{name}", "{name}"),
        ("{name}, {category}", "{name}, {category}"),
        ("1e-3", 1e-3),
        ("-1.5E+2", -150.0),
        (".inf", float("inf")),
        ("1_000", 1000),
        ("-7", -7),
        ("0x1F", 31),
        ("yes", True),
        ("~", None),
        ("{a: 1}", {"a": 1}),
        ("[2024-05-01, 08]", ["2024-05-01", "08"]),
    ],
)
def test_an_argument_is_what_a_reader_takes_it_for(text, value):
    try:
        found = load_argument(text)
    except yaml.YAMLError:
        found = text  # so do parsers
    assert found == value
    assert type(found) is type(value)


def test_parsers_of_commands_read_yaml_as_it_is_read_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["fit", "--config=tokenizer/random.yaml", "--data.dataset=nowhere"]
    for bad in ("[&a [*a]]", "{a: 1, a: 2}", "[" * 5000, "{a: &a {b: *a}}", "!!python/object/apply:os.system [x]"):
        with pytest.raises(LgsidError, match=r"\Amodel[^\n]*\Z"):
            parse_training([*words, f"--model.codebook_sizes={bad}"])
    for name, content in (("a.yaml", b"\xff\xfe\x00"), ("b.yaml", b"a: 1\na: 2\n"), ("c.yaml", b"&a [*a]\n")):
        Path(name).write_bytes(content)
        for flag in (f"--model={name}", f"--config={name}", f"--trainer={name}"):
            with pytest.raises(LgsidError, match=rf"\A{name}: [^\n]*\Z"):
                parse_training([*words, flag])
