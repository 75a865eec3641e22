"""Parquet with checksums: a flipped bit is an error, or changes nothing that is stored."""

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lgsid.artefacts import Dataset, Embeddings
from lgsid.artefacts.tables import open_parquet, with_metadata, write_parquet
from lgsid.errors import LgsidError
from lgsid.testing import toy_city


def test_a_flipped_bit_anywhere_is_refused(tmp_path):
    path = tmp_path / "embeddings.parquet"
    vectors = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    Embeddings(np.array([f"p{i}" for i in range(300)], dtype=object), vectors, {"model": "m"}).write(path)
    whole = path.read_bytes()
    draws = random.Random(1)
    for _ in range(300):
        content = bytearray(whole)
        content[draws.randrange(len(whole))] ^= 1 << draws.randrange(8)
        path.write_bytes(content)
        with pytest.raises(LgsidError, match=r"embeddings.parquet: (damaged|not a readable)"):
            Embeddings.read(path)
    path.write_bytes(whole)
    np.testing.assert_array_equal(Embeddings.read(path).vectors, vectors)


def test_a_table_comes_back(tmp_path):
    table = with_metadata(pa.table({"a": [1, 2], "b": ["x", None]}), {"k": 1})
    write_parquet(table, tmp_path / "t.parquet")
    assert open_parquet(tmp_path / "t.parquet", ("a",), "table").equals(table, check_metadata=True)
    with pytest.raises(LgsidError, match="missing column c"):
        open_parquet(tmp_path / "t.parquet", ("c",), "table")


def test_pages_have_checksums_of_their_own_for_other_readers(tmp_path):
    """Without the hash of the file, as another program sees it, a changed value is refused all the same."""
    path = tmp_path / "t.parquet"
    write_parquet(pa.table({"a": np.arange(1000, dtype=np.float64)}), path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 4
    path.write_bytes(whole)
    with pytest.raises(OSError, match=r"(?i)crc"):
        pq.read_table(path, page_checksum_verification=True)


def test_a_file_of_another_program_needs_no_hash(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    assert open_parquet(path, ("a",), "table")["a"].to_pylist() == [1]
    write_parquet(pa.table({"a": [2]}), path)
    pd.read_parquet(path).to_parquet(path)
    assert open_parquet(path, ("a",), "table")["a"].to_pylist() == [2]


@pytest.mark.parametrize("name", ["items.parquet", "interactions.parquet"])
def test_tables_of_a_dataset_are_those_of_its_report(tmp_path, name):
    toy_city(n_items=40, folder=tmp_path)
    whole = (tmp_path / name).read_bytes()
    draws = random.Random(2)
    for _ in range(20):
        content = bytearray(whole)
        content[draws.randrange(len(whole))] ^= 1 << draws.randrange(8)
        (tmp_path / name).write_bytes(content)
        for read in (Dataset.read, lambda folder: open_parquet(folder / name, (), "table")):
            with pytest.raises(LgsidError, match=r"damaged: items.parquet or interactions.parquet differs"):
                read(tmp_path)
    (tmp_path / name).write_bytes(whole)
    assert len(Dataset.read(tmp_path).items) == 40
