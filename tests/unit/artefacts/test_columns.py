"""Columns of other people's tables: what becomes of every kind of value, and which row is named."""

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts.columns import (
    find_bad_ids,
    rows_text,
    to_ids,
    to_integers,
    to_numbers,
    to_stripped_texts,
    to_texts,
)
from lgsid.errors import LgsidError

WIDEST = 2**53


def of(*values, **options):
    return pd.Series(values, **options)


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (of("a ", None, 3, 2.5, b"caf\xc3\xa9", float("nan"), dtype=object), ["a ", "", "3", "2.5", "café", ""]),
        (of(12.0, np.nan, -3.0), ["12", "", "-3"]),
        (of(12.0, 0.5, np.nan), ["12.0", "0.5", ""]),
        (of("x", None, dtype="string"), ["x", ""]),
        (of("x", None, "x", dtype="category"), ["x", "", "x"]),
        (of(7, 8, dtype="category"), ["7", "8"]),
        (of(True, False), ["True", "False"]),
    ],
)
def test_texts(column, texts):
    found = to_texts(column, "a.csv")
    assert found.tolist() == texts
    assert to_stripped_texts(column, "a.csv").tolist() == [text.strip() for text in texts]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (of("a", ["b"], dtype=object), r"a.csv: data row 2: \"\['b'\]\" is neither a text nor a number"),
        (of("a", "b", b"\xff", dtype=object), "a.csv: data row 3: not a text of valid Unicode"),
        (of("\ud800", "b", dtype=object), "a.csv: data row 1: not a text of valid Unicode"),
    ],
)
def test_values_that_are_no_texts(column, message):
    with pytest.raises(LgsidError, match=f"^{message}"):
        to_texts(column, "a.csv")


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        (of(" 1.5", "-2e3", "NaN", "n/a", ""), [1.5, -2000.0, np.nan, np.nan, np.nan]),
        (of(1, None, dtype="Int64"), [1.0, np.nan]),
        (of(1, 2, dtype="int8"), [1.0, 2.0]),
        (of("3", "4", dtype="category"), [3.0, 4.0]),
    ],
)
def test_numbers(column, numbers):
    found = to_numbers(column, "a.csv")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (of("1", "x", "y"), "a.csv: data rows 2, 3: 'x' is not a number$"),
        (of("1,5"), "a.csv: data row 1: '1,5' is not a number; write decimals with a point"),
        (of(True), "a.csv: values of type bool are not numbers"),
        (of(1j), "a.csv: values of type complex128 are not numbers"),
    ],
)
def test_values_that_are_no_numbers(column, message):
    with pytest.raises(LgsidError, match=f"^{message}"):
        to_numbers(column, "a.csv")


def test_integers_are_those_that_a_float_holds():
    found = to_integers(of("3", " -4.0", str(WIDEST - 1)), "a.csv")
    assert found.dtype == np.int64
    assert found.tolist() == [3, -4, WIDEST - 1]
    for value in ("2.5", "", "nan", "inf", str(WIDEST), str(-WIDEST)):
        with pytest.raises(LgsidError, match=rf"^a.csv: data row 2: '{value}' is not a whole number"):
            to_integers(of("1", value), "a.csv")
    with pytest.raises(LgsidError, match=r"^a.csv: data row 1: 'x' is not a number"):
        to_integers(of("x"), "a.csv")


def test_ids_are_texts_or_whole_numbers():
    assert to_ids(of(" a", "b ", None), "a.csv").tolist() == ["a", "b", ""]
    assert to_ids(of(7, 8), "a.csv").tolist() == ["7", "8"]
    assert to_ids(of(7.0, np.nan, float(WIDEST - 1)), "a.csv").tolist() == ["7", "", str(WIDEST - 1)]
    for value, why in ((0.5, "is not a whole number"), (float(WIDEST), "has lost digits as a float")):
        with pytest.raises(LgsidError, match=rf"^a.csv: data row 2: id {value} {why}; store ids as texts"):
            to_ids(of(1.0, value), "a.csv")
    with pytest.raises(LgsidError, match=r"^a.csv: ids must be texts or integers, these are mixed-integer"):
        to_ids(of(1, "a", dtype=object), "a.csv")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "is empty"),
        (None, "is empty"),
        ("a\x1b", "holds a control character"),
        ("a\u2028b", "holds a control character"),
        ("a\tb", "holds a control character"),
        (" a", "has whitespace around it"),
        ("a ", "has whitespace around it"),
        (7, "is not a text"),
        ("\udc00", "is not a text"),
    ],
)
def test_bad_ids_are_marked(bad, why):
    mask, told = find_bad_ids(["a", bad, "b c"])
    assert mask.tolist() == [False, True, False]
    assert told.startswith(why)


def test_sound_ids_are_no_finding():
    assert find_bad_ids(["a", "b c", "é", "0"]) is None


def test_up_to_three_rows_are_named():
    assert rows_text([7]) == "data row 7"
    assert rows_text([7, 9, 12]) == "data rows 7, 9, 12"
    assert rows_text(range(1, 6)) == "data rows 1, 2, 3 and 2 more"
