"""Parquet with checksums: a flipped bit is an error or changes nothing that is stored."""

import random

import numpy as np
import pyarrow as pa
import pytest

from lgsid.artefacts import Embeddings
from lgsid.artefacts.tables import open_parquet, with_metadata, write_parquet
from lgsid.errors import LgsidError


def test_a_flipped_bit_of_the_values_is_refused(tmp_path):
    path = tmp_path / "embeddings.parquet"
    vectors = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    Embeddings(np.array([f"p{i}" for i in range(300)], dtype=object), vectors, {"model": "m"}).write(path)
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    draws = random.Random(1)
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        content[draws.randrange(4, len(whole) - footer)] ^= 1 << draws.randrange(8)
        path.write_bytes(content)
        try:
            read = Embeddings.read(path)
        except LgsidError:
            refused += 1
        else:  # a page header holds fields that no reader needs
            np.testing.assert_array_equal(read.vectors, vectors)
    assert refused >= 50


def test_a_table_comes_back(tmp_path):
    table = with_metadata(pa.table({"a": [1, 2], "b": ["x", None]}), {"k": 1})
    write_parquet(table, tmp_path / "t.parquet")
    assert open_parquet(tmp_path / "t.parquet", ("a",), "table").equals(table, check_metadata=True)
    with pytest.raises(LgsidError, match="missing column c"):
        open_parquet(tmp_path / "t.parquet", ("c",), "table")
