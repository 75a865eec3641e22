"""The strict reader of delimited text, against the csv module and against files that people have."""

import bz2
import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.artefacts.delimited import read_delimited
from lgsid.errors import LgsidError

VALUES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)


@st.composite
def tables(draw):
    width = draw(st.integers(2, 4))
    return draw(st.lists(st.lists(VALUES, min_size=width, max_size=width), min_size=1, max_size=6))


@settings(max_examples=60, deadline=None)
@given(rows=tables(), sep=st.sampled_from(",;\t|X~ "), ending=st.sampled_from(["\n", "\r\n"]))
def test_what_the_csv_module_writes_is_read_as_it_was(tmp_path_factory, rows, sep, ending):
    text, header = io.StringIO(), [f"c{i}" for i in range(len(rows[0]))]
    quoting = csv.QUOTE_MINIMAL if ending == "\r\n" else csv.QUOTE_ALL  # the writer quotes only its own line ending
    csv.writer(text, delimiter=sep, lineterminator=ending, quoting=quoting).writerows([header, *rows])
    path = tmp_path_factory.getbasetemp() / "random.csv"
    path.write_bytes(text.getvalue().encode())
    assert read_delimited(path, (), sep=sep).to_numpy().tolist() == rows


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        ("a,b\n1,2\n", {}, [["1", "2"]]),
        ("\ufeffa,b\n1,2", {}, [["1", "2"]]),
        ('a,b\n"x\ny","say ""hi"""\n\n\n3,\n', {}, [["x\ny", 'say "hi"'], ["3", ""]]),
        ("a,b\r1,2\r3,4\r", {}, [["1", "2"], ["3", "4"]]),
        (",a,b\n0,1,2\n", {}, [["1", "2"]]),  # an index that pandas wrote
        ("NA,b\nNA,null\n", {}, [["NA", "null"]]),
        ("é,b\nü,2\n", {"encoding": "latin-1"}, [["ü", "2"]]),
        ("a,b\n1,2\n", {"encoding": "utf-16"}, [["1", "2"]]),
        ('a\tb\n"x\ty"z\n', {"sep": "\t", "quoting": csv.QUOTE_NONE}, [['"x', 'y"z']]),
    ],
)
def test_dialects(tmp_path, raw, options, expected):
    path = tmp_path / "a.csv"
    path.write_bytes(raw.encode(options.get("encoding", "utf-8")))
    assert read_delimited(path, (), **options).to_numpy().tolist() == expected
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert read_delimited(path, (), **options).to_numpy().tolist() == expected


@pytest.mark.parametrize(
    ("raw", "options", "message"),
    [
        (
            b"id,lat,lon\np0,52,51,13,40\n",
            {},
            r"data row 1: 5 values in 3 columns \(id, lat, lon\)",
        ),
        (b"a,b\n1,2\n\n3,4,5\n", {}, "data row 2: 3 values in 2 columns"),
        (b"a,b\n1,2\n3\n", {}, "data row 2: 1 value in 2 columns .* write every value, an empty one too"),
        (b'a,b\n1,"x\n3,4\n', {}, "unexpected end of data; is a quote not closed"),
        (b'a,b\n1,"x"y\n', {}, "line 2: ',' expected after '\"'; is a quote not closed"),
        (b'a,"b\n1,2\n', {}, "is a quote not closed"),
        (b"a,b\n1,\x002\n", {}, "line 2: a NUL character"),
        ("a,b\n1,2\n".encode("utf-16-le"), {}, "line 1: a NUL character; .*utf-16"),
        ("a,b\n1,2\n".encode("utf-16"), {}, "starts with the mark of UTF-16; set `encoding: utf-16`"),
        (b"a,b\n1,\xff\n", {}, "line 2: byte 0xff is not utf-8"),
        (b"a,b\n1,2\n", {"encoding": "rot13"}, "encoding 'rot13' is unknown"),
        (b"a,b\n1,2\n", {"encoding": "undefined"}, "encoding 'undefined' is unknown"),
        (b"a,b\n1,2\n", {"encoding": "a\0b"}, "is unknown"),
        (b"a,a\n1,2\n", {}, "the header names column 'a' more than once"),
        (b"a;b\n1;2\n", {"columns": ("a", "b")}, "missing column a, b; the file has a;b; is the separator ';'"),
        (b"a,b\n1,2\n", {"sep": ""}, "separator '' is not one"),
        (b"a,b\n1,2\n", {"sep": "::"}, "separator '::' is not one"),
        (b"a,b\n1,2\n", {"sep": "\u00a7"}, "is not one; use a single character"),
        (b"a,b\n1,2\n", {"sep": '"'}, "is not one"),
        (b"", {}, "the file is empty"),
        (b"\n\n", {}, "the file is empty"),
        (b"a,b\n", {}, "the file has no rows"),
        (b"", {"header": False, "columns": ("a",)}, "the file is empty"),
        (b"1,2,3\n", {"header": False, "columns": ("a", "b")}, "data row 1: 3 values in 2 columns"),
        (b"PK\x03\x04 and more", {}, "not a text file, but a ZIP archive or a spreadsheet"),
        (b"PAR1 and more", {}, "not a text file, but a Parquet file"),
        (bz2.compress(b"a,b\n1,2\n"), {}, "not a text file, but compressed with bzip2"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-3], {}, "the gzip file is truncated"),
        (b"a,b\n" + b"x" * 200_000 + b",2\n", {}, "field larger than field limit"),
    ],
)
def test_what_is_not_such_a_table_is_one_clear_line(tmp_path, raw, options, message):
    path = tmp_path / "a.csv"
    path.write_bytes(raw)
    with pytest.raises(LgsidError, match=message) as caught:
        read_delimited(path, **{"columns": (), **options})
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_the_row_is_right_beyond_the_first_chunk(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + "1,2\n" * 70_000 + "1,2,3\n" + "1,2\n" * 5)
    with pytest.raises(LgsidError, match="data row 70001: 3 values"):
        read_delimited(path, ())
