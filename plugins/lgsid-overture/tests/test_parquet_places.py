import numpy as np
import pyarrow as pa
from lgsid_overture.parquet_places import at, texts, with_coarser


def test_elements_of_lists_against_a_loop():
    lists = [[1, 2, 3], None, [], [4], [5, 6]]
    values = pa.chunked_array([pa.array(lists[:2], pa.list_(pa.int64())), pa.array(lists[2:], pa.list_(pa.int64()))])
    for position in (0, 1, -1, -2):
        reach = position + 1 if position >= 0 else -position
        expected = [entry[position] if entry is not None and len(entry) >= reach else None for entry in lists]
        assert at(values, position).to_pylist() == expected
        assert at(values.slice(1, 3), position).to_pylist() == expected[1:4]
    assert at(pa.chunked_array([], pa.list_(pa.string())), 0).to_pylist() == []


def test_texts_take_the_first_column_that_has_one():
    inner = pa.array([{"b": "x"}, None, {"b": None}, {"b": " "}], pa.struct([("b", pa.string())]))
    table = pa.table({"a": inner, "c": ["1", "2", "3", "4"]})
    assert texts(table, "a.b").tolist() == ["x", "", "", ""]
    assert texts(table, "a.b", "c").tolist() == ["x", "2", "3", "4"]
    assert texts(table, "a.z", "d").tolist() == [""] * 4


def test_empty_regions_take_the_coarser_name():
    levels = [np.array(names, dtype=object) for names in (["US", "", ""], ["", "NY", ""], ["Rome", "", ""])]
    found = {name: values.tolist() for name, values in with_coarser(levels).items()}
    assert found == {"region_1": ["US", "", ""], "region_2": ["US", "NY", ""], "region_3": ["Rome", "NY", ""]}
