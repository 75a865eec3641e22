"""Negatives of the click-through task: where they are, how often, always the same."""

import numpy as np
import pytest
import torch

from lgsid.artefacts import Items
from lgsid.datamodules import CTRData, MatchedNegatives, PopularityNegatives
from lgsid.datamodules.ctr_candidates import CTRCandidates
from lgsid.errors import LgsidError
from lgsid.testing import toy_city
from lgsid.typing import CTRBatch


def open_data(toy_folder, **options):
    data = CTRData(str(toy_folder), val_queries=None, **options)
    data.setup()
    return data


def test_draws_depend_on_the_seed_only_and_are_stored(toy_folder, tmp_path):
    path = tmp_path / "candidates.parquet"
    first, again = (
        open_data(toy_folder, candidates=str(path)),
        open_data(toy_folder, candidates=str(path), max_history=3),
    )
    fresh = open_data(toy_folder, train_queries=20, batch_size=7)
    for other in (again, fresh):
        assert np.array_equal(first.candidates.negative, other.candidates.negative)
        assert np.array_equal(first.candidates.near, other.candidates.near)
    assert not np.array_equal(first.candidates.negative, open_data(toy_folder, seed=1).candidates.negative)
    named = CTRCandidates.read(path).metadata
    arguments = {"n_near": 2, "n_any": 2, "proposals": 48}
    assert named["sampler"] == {"class_path": "lgsid.datamodules.MatchedNegatives", "init_args": arguments}
    assert (named["seed"], named["data_hash"]) == (0, first.dataset.data_hash)
    other = tmp_path / "other"
    toy_city(seed=5, folder=other)
    with pytest.raises(LgsidError, match="drawn from other data"):
        open_data(other, candidates=str(path))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 1}, "n_near=2, proposals=48), seed 1"),
        ({"negatives": MatchedNegatives(proposals=20)}, "n_near=2, proposals=20), seed 0"),
        ({"negatives": PopularityNegatives()}, "PopularityNegatives(n_any=2, n_near=2, near_km=5.0), seed 0"),
    ],
)
def test_other_arguments_draw_anew_and_say_so(toy_folder, tmp_path, caplog, options, words):
    path = str(tmp_path / "candidates.parquet")
    first = open_data(toy_folder, candidates=path)
    assert not caplog.records
    other = open_data(toy_folder, candidates=path, **options)
    assert "drawn with MatchedNegatives(n_any=2, n_near=2, proposals=48), seed 0; drawing anew" in caplog.text
    assert words in caplog.text
    assert not np.array_equal(first.candidates.negative, other.candidates.negative)
    assert np.array_equal(CTRCandidates.read(path).negative, other.candidates.negative)


def test_a_file_of_before_samplers_is_one_drawn_by_popularity(toy_folder, tmp_path, caplog):
    path = tmp_path / "candidates.parquet"
    data = open_data(toy_folder, negatives=PopularityNegatives(near_km=1.0))
    drawn = data.candidates
    marked = np.flip(drawn.negative, axis=0)  # so that a file that is read differs from one that is drawn again
    old = {"seed": 0, "near_km": 1.0, "data_hash": data.dataset.data_hash}
    CTRCandidates(drawn.row, marked, drawn.near, old).write(path)
    same = open_data(toy_folder, negatives=PopularityNegatives(near_km=1.0), candidates=str(path))
    assert np.array_equal(same.candidates.negative, marked)
    assert not caplog.records
    now = open_data(toy_folder, candidates=str(path))
    assert "drawn with PopularityNegatives(n_any=2, n_near=2, near_km=1.0), seed 0; drawing anew" in caplog.text
    assert not np.array_equal(now.candidates.negative, marked)


def test_a_file_that_names_nothing_is_drawn_anew(toy_folder, tmp_path, caplog):
    path = tmp_path / "candidates.parquet"
    data = open_data(toy_folder)
    drawn = data.candidates
    CTRCandidates(drawn.row, drawn.negative, drawn.near, {"data_hash": data.dataset.data_hash}).write(path)
    again = open_data(toy_folder, candidates=str(path))
    assert "drawn with an unknown sampler(), seed None; drawing anew" in caplog.text
    assert np.array_equal(again.candidates.negative, drawn.negative)


def test_a_batch_holds_each_positive_with_its_negatives(toy_folder):
    data = open_data(toy_folder, max_history=6, batch_size=7, eval_batch_size=9)
    rows = data.queries("test")[:3]
    batch = data.ctr_batch(rows)
    assert isinstance(batch, CTRBatch)
    assert len(batch) == len(batch.history) == 3  # a history is there once, not once for each candidate
    assert batch.label.tolist() == [[1, 0, 0, 0, 0]] * 3
    assert batch.row.tolist() == rows.tolist()
    candidates = np.concatenate([data.log.item[rows][:, None], data.candidates.negative[rows]], axis=1)
    assert batch.candidate.tolist() == candidates.tolist()
    assert bool(batch.near[:, 0].all())
    assert batch.history.shape[1] <= 6
    for loader, split in (
        (data.train_dataloader(), "train"),
        (data.val_dataloader(), "val"),
        (data.test_dataloader(), "test"),
    ):
        served = torch.cat([b.row for b in loader])
        assert sorted(served.tolist()) == data.queries(split).tolist()
    train = data.train_dataloader()
    assert [b.row.tolist() for b in train] != [b.row.tolist() for b in train]  # another order every epoch


def test_unknown_rows_and_single_items_are_refused(toy_folder):
    data = open_data(toy_folder)
    with pytest.raises(LgsidError, match="no negatives"):
        data.candidates.of(np.array([10**6]))
    one = Items(data.dataset.items.frame.iloc[:1].reset_index(drop=True))
    with pytest.raises(LgsidError, match="two items"):
        CTRCandidates.draw(data.log, one, MatchedNegatives())
