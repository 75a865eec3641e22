"""Slices of queries against a look at each row of the log."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import CheckInLog, Dataset
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.errors import LgsidError
from lgsid.recommenders.evaluation.item_slices import item_slices


def queries(path, rows):
    pd.DataFrame({"row": np.asarray(rows, dtype=np.int64)}).to_parquet(path)
    return path


def test_queries_are_of_the_slices_of_the_place_that_was_right(toy_folder, tmp_path):
    slices = QuerySlices.of(toy_folder)
    data = Dataset.read(toy_folder)
    log = CheckInLog.of(data)
    trained = [sum((log.item == item) & (log.split == "train")) for item in range(len(data.items))]
    rows = [17, *range(len(log) - 1, -1, -1)]
    found = slices.masks(queries(tmp_path / "queries.parquet", rows))
    assert list(found) == ["head/", "tail/", "cold/", "warm/", "dense/", "sparse/"]
    everywhere = dataclasses.replace(log, split=np.full_like(log.split, "train"))  # in all splits: another head
    assert not np.array_equal(*(item_slices(data.items, one)["head", "tail"] for one in (log, everywhere)))
    head = np.array(trained)[item_slices(data.items, log)["head", "tail"]]
    assert sorted(head) == sorted(trained)[-len(head) :]
    for (inside, outside), mask in item_slices(data.items, log).items():
        expected = [bool(mask[log.item[row]]) for row in rows]
        assert found[f"{inside}/"].tolist() == expected
        assert found[f"{outside}/"].tolist() == [not one for one in expected]
    new = slices.is_new(tmp_path / "queries.parquet")
    assert new.tolist() == [
        not any(log.user[before] == log.user[row] and log.item[before] == log.item[row] for before in range(row))
        for row in rows
    ]


def test_rows_that_the_dataset_does_not_have_are_refused(toy_folder, tmp_path):
    slices = QuerySlices.of(toy_folder)
    assert slices.rows(queries(tmp_path / "all.parquet", range(len(slices.log)))).tolist() == [*range(len(slices.log))]
    nothing = slices.rows(queries(tmp_path / "none.parquet", []))
    assert (nothing.shape, nothing.dtype) == ((0,), np.int64)
    for rows in ([0, len(slices.log)], [-1, 0]):
        with pytest.raises(LgsidError, match="rows that the dataset does not have; run the benchmark again"):
            slices.rows(queries(tmp_path / "strange.parquet", rows))
