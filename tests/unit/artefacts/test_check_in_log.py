"""The log as arrays, against plain loops over the table of check-ins."""

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import CheckInLog, Dataset
from lgsid.testing import toy_city

N_ITEMS, ROWS = 5, 60


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(4)
    items = pd.DataFrame({"item_id": [f"i{k}" for k in range(N_ITEMS)], "lat": 40.0, "lon": -74.0})
    log = pd.DataFrame(
        {
            "user_id": [f"u{k}" for k in rng.integers(0, 4, ROWS)],
            "item_id": [f"i{k}" for k in rng.integers(0, N_ITEMS, ROWS)],
            "time": pd.Timestamp("1970-01-01T00:00:00.5Z")
            + pd.to_timedelta(np.sort(rng.integers(0, 90 * 86400, ROWS)), "s"),
            "split": ["train"] * 40 + ["val"] * 8 + ["test"] * 12,
        }
    )
    return Dataset.from_frames(items, log)


@pytest.fixture(scope="module")
def log(dataset):
    return CheckInLog.of(dataset)


def past_of(log, row):
    return [other for other in range(row) if log.user[other] == log.user[row]]


def test_it_has_the_columns_of_the_table(dataset, log):
    frame = dataset.interactions.frame
    assert len(log) == ROWS
    assert [dataset.user_ids[user] for user in log.user] == frame["user_id"].tolist()
    assert [dataset.items.ids[item] for item in log.item] == frame["item_id"].tolist()
    assert log.time_s.tolist() == [time.timestamp() for time in frame["time"]]
    assert log.hour.tolist() == frame["hour"].tolist()
    assert log.weekday.tolist() == frame["weekday"].tolist()
    assert log.split.tolist() == frame["split"].tolist()


def test_the_past_of_each_check_in(log):
    assert log.by_user.tolist() == sorted(range(ROWS), key=lambda row: (log.user[row], row))
    assert log.by_user[log.place_in_user_order].tolist() == list(range(ROWS))
    assert log.n_before.tolist() == [len(past_of(log, row)) for row in range(ROWS)]
    assert log.is_new.tolist() == [log.item[row] not in log.item[past_of(log, row)] for row in range(ROWS)]


def test_check_ins_of_a_user_and_those_that_follow_on_a_place(log):
    for user in range(4):
        assert log.of_user(user).tolist() == [row for row in range(ROWS) if log.user[row] == user]
    before = {row: past_of(log, row)[-1] for row in range(ROWS) if past_of(log, row)}
    for item in range(N_ITEMS + 1):
        expected = [row for row, first in before.items() if log.item[first] == item]
        assert sorted(log.steps_from(item).tolist()) == expected


@pytest.mark.parametrize("limit", [None, 1, 3, 1000])
def test_histories_end_before_the_query(log, limit):
    rows = np.array([59, 0, 31, 59, 7])
    expected = [past_of(log, row)[-(limit or ROWS) :] for row in rows]
    width = max(map(len, expected))
    assert log.history(rows, limit).tolist() == [[-1] * (width - len(past)) + past for past in expected]
    first = np.array([int(np.flatnonzero(log.n_before == 0)[0])])
    assert log.history(first, limit).tolist() == [[-1]]
    assert log.history(np.zeros(0, dtype=np.int64), limit).shape == (0, 1)


def test_later_training_check_ins_are_those_of_the_user_from_the_query_on(log):
    rows = np.array([50, 0, 39, 12, 3, 45])
    expected = [
        [other for other in range(row, ROWS) if log.user[other] == log.user[row] and log.split[other] == "train"]
        for row in rows
    ]
    width = max(map(len, expected))
    found = log.later_training(rows)
    assert found.tolist() == [later + [-1] * (width - len(later)) for later in expected]
    assert expected[1][0] == 0
    assert expected[0] == []
    assert log.later_training(np.arange(48, 60)).shape == (12, 0)
    assert log.later_training(np.zeros(0, dtype=np.int64)).shape == (0, 0)


def test_places_visited_before_the_query(log):
    rows = np.arange(ROWS)
    expected = [[item in log.item[past_of(log, row)] for item in range(N_ITEMS)] for row in rows]
    assert log.visited(rows, N_ITEMS).tolist() == expected
    assert log.visited(rows[:1], N_ITEMS).sum() == 0


def test_counts_are_those_of_the_named_splits(log):
    for splits in (("train",), ("train", "val"), ("test",), ()):
        rows = [row for row in range(ROWS) if log.split[row] in splits]
        expected = [sum(log.item[row] == item for row in rows) for item in range(N_ITEMS + 2)]
        assert log.item_counts(N_ITEMS + 2, *splits).tolist() == expected


@pytest.mark.parametrize("splits", [("train",), ("train", "val"), ("test",)])
def test_next_new_places_against_a_loop(splits: tuple[str, ...]) -> None:
    city = toy_city(n_items=50, n_users=8, n_checkins=600)
    last: dict[str, str] = {}
    been: dict[str, set[str]] = {}
    expected = []
    for user, item, split in city.interactions.frame[["user_id", "item_id", "split"]].itertuples(index=False):
        if split in splits:
            if user in last and item not in been[user]:
                expected.append((last[user], item))
            last[user] = item
        been.setdefault(user, set()).add(item)
    first, second = CheckInLog.of(city).next_new_places(*splits)
    ids = city.items.ids
    assert sorted(zip(ids[first], ids[second], strict=True)) == sorted(expected)
    assert len(expected) > 2
    assert np.all(first != second)
