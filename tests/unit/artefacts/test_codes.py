"""Codes of semantic IDs are plain integers, or the file is refused."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.artefacts import SemanticIDs
from lgsid.artefacts.codes import MAX_CODES, MAX_LEVELS
from lgsid.artefacts.tables import with_metadata
from lgsid.errors import LgsidError

IDS = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=6)


@st.composite
def semantic_ids(draw):
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    sizes = draw(st.lists(st.sampled_from([1, 2, 300, MAX_CODES]), min_size=1, max_size=5))
    rows = [[draw(st.integers(0, size - 1)) for size in sizes] for _ in ids]
    return SemanticIDs(np.array(ids, dtype=object), np.array(rows), tuple(sizes))


@settings(max_examples=40, deadline=None)
@given(sids=semantic_ids())
def test_both_files_give_back_what_was_written(tmp_path_factory, sids):
    folder = tmp_path_factory.getbasetemp()
    sids.write(folder / "random.parquet")
    back = SemanticIDs.read(folder / "random.parquet")
    assert (list(back.item_ids), back.codes.tolist()) == (list(sids.item_ids), sids.codes.tolist())
    assert back.codebook_sizes == sids.codebook_sizes
    sids.write_index_json(folder / "random.index.json")
    back = SemanticIDs.read(folder / "random.index.json")
    assert (list(back.item_ids), back.codes.tolist()) == (list(sids.item_ids), sids.codes.tolist())
    again = SemanticIDs.from_frame(sids.to_frame(), sids.codebook_sizes)
    assert np.array_equal(again.codes, sids.codes)


def refused(path, content, message):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(LgsidError, match=message) as caught:
        SemanticIDs.read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "token",
    [
        *(
            "<a_-1>",
            "<a_1.5>",
            "<a_+1>",
            "<a_ 1>",
            "<a_\uff11>",
            "<a_01>",
            "<a_1e3>",
            "<a_0x1>",
            "<a_>",
            "a",
            "",
            "<a_1>x",
        ),
        *("<a_1><b_2>", f"<a_{10**9}>", f"<a_{'9' * 5000}>", -1, 10**9, 1.5, 1.0, True, None, ["<a_1>"], {"a": 1}),
    ],
)
def test_tokens_that_are_no_code(tmp_path, token):
    refused(tmp_path / "x.index.json", {"p0": ["<a_1>"], "p1": [token]}, "item 'p1': level 1: token")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"p0": ["<b_1>", "<a_2>"]}, r"level 1 has tokens <b_..>; expected <a_..>"),
        ({"p0": ["<a_1>", "<c_2>"]}, r"level 2 has tokens <c_..>; expected <b_..>"),
        (
            {"p0": ["<a_1>", "<b_2>"], "p1": ["<b_2>", "<a_1>"]},
            "'p1': level 1: token '<b_2>' is not of this level",
        ),
        ({"p0": ["<a_1>", "<b_2>"], "p1": [1, 2]}, "'p1': level 1: token 1 is not of this level"),
        ({"p0": []}, "expected a list of tokens"),
        ({"p0": "<a_1>, and <b_"}, "token 'and'|expected a list of tokens|is no label"),
        ({"p0": ["<a_1>"] * 5000}, "5,000 levels are more than the 64"),
        ('{"\\ud83d\\ude00": [1.5]}', "item '\U0001f600': level 1: token 1.5"),
        ({"": ["<a_1>"]}, "item_id is empty"),
        ({" p0": ["<a_1>"]}, "has whitespace around it"),
        ({"p\x1b[31m0": ["<a_1>"]}, "holds a control character"),
        ('{"p0": ["<a_1>"], "p0": ["<a_2>"]}', "key 'p0' occurs more than once in one object"),
        ('{"\\ud800": ["<a_1>"]}', "not valid JSON .*surrogates not allowed"),
        ('{"p0": [NaN]}', "NaN is no JSON number"),
        ("[" * 100_000, "not valid JSON"),
        ('{"p0": [' + "9" * 5000 + "]}", "not valid JSON"),
    ],
)
def test_indexes_that_are_wrong(tmp_path, index, message):
    refused(tmp_path / "x.index.json", index, message)


def test_other_markers_are_read(tmp_path):
    path = tmp_path / "x.index.json"
    for row in (["<|sid_0_7|>", "<|sid_1_12|>"], ["C7", "D12"], [7, 12], "a_7 b_12", "<a_7> <b_12>", ["[s7]", "[s12]"]):
        path.write_text(json.dumps({"p0": row}))
        assert SemanticIDs.read(path).codes.tolist() == [[7, 12]]


def table(ids, metadata=None, **levels):
    made = pa.table({"item_id": ids, **levels})
    return made if metadata is None else with_metadata(made, metadata)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (table(["a", "b"], level_1=pa.array([0, None])), "column level_1: data row 2: a code is missing"),
        (table(["a", "b"], level_1=[0.0, 1.0]), "codes must be integers, these are double"),
        (table(["a", "b"], level_1=[True, False]), "codes must be integers, these are bool"),
        (table(["a", "b"], level_1=["0", "1"]), "codes must be integers, these are string"),
        (table(["a", "b"], level_1=[[0], [1]]), "codes must be integers"),
        (table(["a", "b"], level_1=[0, -1]), "data row 2: code -1 is not in"),
        (table(["a", "b"], level_1=[0, 10**9]), "data row 2: code 1000000000 is not in"),
        (
            table(["a", "b"], level_1=pa.array([0, 2**63], pa.uint64())),
            "code 9223372036854775808 is not in",
        ),
        (table([1.5, 2.0], level_1=[0, 1]), "id 1.5 is not a whole number"),
        (table(["a", None], level_1=[0, 1]), "item_id is empty"),
        (table([b"\xff", b"a"], level_1=[0, 1]), "ids must be texts or integers, these are bytes"),
        (table(["a", "a"], level_1=[0, 1]), "item_id 'a' occurs more than once"),
        (table(["a"], level_1=[0], level_3=[1]), "the levels are not numbered"),
        (table(["a"], **{f"level_{at}": [0] for at in range(1, 66)}), "65 levels are more than the 64"),
        (table(pa.array([], pa.string()), level_1=pa.array([], pa.int64())), "no semantic IDs in it"),
        (table(["a"], {"codebook_sizes": [2, 3]}, level_1=[0]), "do not fit"),
        (table(["a"], {"codebook_sizes": [2]}, level_1=[5]), r"code 5 at level 1, which has codes 0..1"),
        (table(["a"], {"codebook_sizes": "4"}, level_1=[0]), "codebook sizes '4' are not a list of integers"),
        (table(["a"], {"codebook_sizes": [2.5]}, level_1=[0]), "are not a list of integers"),
        (table(["a"], {"codebook_sizes": [True]}, level_1=[0]), "are not a list of integers"),
        (table(["a"], {"codebook_sizes": [-1]}, level_1=[0]), "a level has -1 codes"),
        (table(["a"], {"codebook_sizes": [10**9]}, level_1=[0]), "a level has 1,000,000,000 codes"),
        (table(["a"], {"codebook_sizes": []}, level_1=[0]), "are not a list of integers"),
        (table(["a"], [1], level_1=[0]), "metadata 'lgsid' are no JSON object"),
        (table(["a"], level_1=[0]).replace_schema_metadata({"lgsid": b"{"}), "metadata 'lgsid': not valid JSON"),
    ],
)
def test_tables_that_are_wrong(tmp_path, made, message):
    path = tmp_path / "sids.parquet"
    pq.write_table(made, path)
    with pytest.raises(LgsidError, match=message) as caught:
        SemanticIDs.read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_column_names_that_occur_twice(tmp_path):
    made = pa.Table.from_arrays([pa.array(["a"]), pa.array([0]), pa.array([1])], ["item_id", "level_1", "level_1"])
    pq.write_table(made, tmp_path / "sids.parquet")
    with pytest.raises(LgsidError, match="column 'level_1' occurs more than once"):
        SemanticIDs.read(tmp_path / "sids.parquet")


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["7", "8"], pa.large_string()),
        pa.array(["7", "8"]).dictionary_encode(),
        pa.array([7, 8], pa.uint8()),
        pa.array([7.0, 8.0]),
        pa.array([b"7", b"8"]),
        pa.array([" 7", "8 "]),
    ],
)
def test_ids_and_codes_of_foreign_types_are_read_as_they_are_meant(tmp_path, column):
    codes = pa.array([3, 200], pa.uint8()).dictionary_encode()
    pq.write_table(pa.table({"item_id": column, "level_1": codes}), tmp_path / "sids.parquet")
    sids = SemanticIDs.read(tmp_path / "sids.parquet")
    assert list(sids.item_ids) == ["7", "8"]
    assert sids.codes.tolist() == [[3], [200]]
    assert sids.codebook_sizes == (201,)


def test_an_index_that_pandas_kept_is_a_column(tmp_path):
    pd.DataFrame({"item_id": ["a", "b"], "level_1": [0, 1]}).set_index("item_id").to_parquet(tmp_path / "s.parquet")
    assert list(SemanticIDs.read(tmp_path / "s.parquet").item_ids) == ["a", "b"]


def test_the_limits_themselves_are_fine():
    sids = SemanticIDs(
        np.array(["a"], dtype=object), np.full((1, MAX_LEVELS), MAX_CODES - 1), (MAX_CODES,) * MAX_LEVELS
    )
    assert sids.n_levels == MAX_LEVELS
