"""Queries and histories against plain loops over the table."""

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import CheckInLog, Dataset, Interactions, Items, SemanticIDs
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.sequence_data import QuerySampler, SequenceData
from lgsid.errors import LgsidError

N, M = 12, 160


def make_dataset(seed=0):
    rng = np.random.default_rng(seed)
    items = Items.from_frame(
        pd.DataFrame(
            {
                "item_id": [f"i{k}" for k in range(N)],
                "name": "x",
                "category": [f"c{k % 3}" for k in range(N)],
                "category_group": "g",
                "brand": "",
                "lat": 40.7 + rng.random(N) / 10,
                "lon": -74 + rng.random(N) / 10,
                "region_1": "r",
            }
        )
    )
    seconds = np.sort(rng.integers(0, 40 * 86400, M))
    seconds[10:13] = seconds[10]  # equal times keep the order of the table
    time = pd.Timestamp("2012-04-03") + pd.to_timedelta(seconds, unit="s")
    frame = pd.DataFrame(
        {
            "user_id": [f"u{k}" for k in rng.integers(0, 7, M)],
            "item_id": [f"i{k}" for k in rng.integers(0, N, M)],
            "time": time.tz_localize("UTC"),
            "hour": time.hour,
            "weekday": time.day_of_week,
            "split": ["train"] * 100 + ["val"] * 25 + ["test"] * 35,
        }
    )
    return Dataset(items, Interactions(frame), {"regions": ["r"]})


@pytest.fixture
def folder(tmp_path):
    make_dataset().write(tmp_path / "data")
    return str(tmp_path / "data")


@pytest.mark.parametrize("limit", [None, 5])
def test_histories_are_everything_before(limit):
    dataset = make_dataset()
    log = CheckInLog.of(dataset)
    rows = np.arange(M)[::-1].copy()
    batch = sequence_batch(log, rows, limit)
    frame = dataset.interactions.frame
    for b, row in enumerate(rows):
        past = [j for j in range(row) if frame["user_id"][j] == frame["user_id"][row]]
        assert bool(batch.is_new[b]) == (frame["item_id"][row] not in {frame["item_id"][j] for j in past})
        assert (log.visited(rows[b : b + 1], N)[0].nonzero()[0].tolist()) == sorted({log.item[j] for j in past})
        past = past[-limit:] if limit else past
        seen = batch.history[b][batch.history[b] >= 0]
        assert [f"i{i}" for i in seen.tolist()] == [frame["item_id"][j] for j in past]
        assert (batch.history[b] >= 0).tolist() == sorted((batch.history[b] >= 0).tolist())  # right-aligned
        if past:
            ages = [(frame["time"][row] - frame["time"][j]).total_seconds() for j in past]
            assert batch.history_age_s[b, -len(past) :].tolist() == pytest.approx(ages)
            assert batch.history_hour[b, -len(past) :].tolist() == [frame["hour"][j] for j in past]
            assert batch.history_weekday[b, -len(past) :].tolist() == [frame["weekday"][j] for j in past]
    assert (batch.history_age_s >= 0).all()


def test_queries_of_the_splits(folder):
    data = SequenceData(folder, batch_size=8, val_queries=10)
    data.setup()
    data.setup("fit")
    train = data.queries("train")
    assert (data.log.split[train] == "train").all()
    assert (data.log.n_before[train] > 0).all()
    assert len(train) == 100 - len(np.unique(data.log.user[:100]))
    assert len(data.queries("val")) == 10
    assert data.queries("test").tolist() == list(range(125, M))
    seen = torch.cat([batch.row for batch in data.train_dataloader()])
    assert sorted(seen.tolist()) == train.tolist()
    assert data.shape.n_items == N
    assert data.shape.codebook_sizes == ()
    assert data.codes is None


def test_codes_come_in_the_order_of_items(folder, tmp_path):
    ids = np.array([f"i{k}" for k in reversed(range(N))], dtype=object)
    codes = np.stack([np.arange(N) % 3, np.arange(N)], 1)[::-1].copy()
    sids = SemanticIDs(ids, codes, (5, N))
    sids.write(tmp_path / "sids.parquet")
    sids.write_index_json(tmp_path / "sids.index.json")
    for name in ("sids.parquet", "sids.index.json"):
        data = SequenceData(folder, str(tmp_path / name))
        data.setup()
        assert data.codes[:, 1].tolist() == list(range(N))
    with pytest.raises(LgsidError, match="no such file"):
        SequenceData(folder, str(tmp_path / "nothing.parquet")).setup()


def test_sampler_repeats_with_the_seed_and_differs_by_epoch():
    lengths = np.arange(50) % 9
    one, two = QuerySampler(50, 4, lengths, 3), QuerySampler(50, 4, lengths, 3)
    first, again = list(one), list(two)
    assert first == again
    assert first != list(one)
    assert len(first) == len(one) == 13
    assert sorted(index for batch in first for index in batch) == list(range(50))


@pytest.mark.parametrize("name", ["max_history", "batch_size", "eval_batch_size", "val_queries", "train_queries"])
def test_counts_below_one_are_refused(name):
    with pytest.raises(LgsidError, match=f"SequenceData: {name} must be at least 1, not 0"):
        SequenceData("nowhere", **{name: 0})
