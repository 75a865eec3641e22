"""What a query knows of places, against loops over the log and against what models count."""

import numpy as np
import pytest
import torch

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.datamodules import SequenceData
from lgsid.datamodules.negatives.past_places import PastPlaces
from lgsid.recommenders.own_future import later_counts
from lgsid.testing import toy_city


@pytest.fixture(scope="module", params=[False, True], ids=["temporal", "leave one out"])
def city(request):
    data = SequenceData(toy_city(leave_one_out=request.param), max_history=1000)
    data.setup()
    return data


def test_counts_are_the_loops(city):
    log, n = city.log, len(city.dataset.items)
    past = PastPlaces(log, n)
    rows = np.arange(len(log))
    place = np.random.default_rng(0).integers(n, size=(len(log), 6))
    place[:, 0] = log.item
    popularity, visitors, visited = past.popularity(rows, place), past.visitors(rows, place), past.visited(rows, place)
    for row in rows:
        user = log.user[row]
        before = [log.item[r] for r in range(row) if log.user[r] == user]
        known = [r for r in rows if log.split[r] == "train" and (log.user[r] != user or r < row)]
        assert past.n_distinct[row] == len(set(before))
        assert past.at(rows[[row]], np.arange(len(set(before)))[None])[0].tolist() == list(dict.fromkeys(before))
        for column, item in enumerate(place[row]):
            assert visited[row, column] == (item in before)
            assert popularity[row, column] == sum(log.item[r] == item for r in known)
            assert visitors[row, column] == len({log.user[r] for r in known if log.item[r] == item})


def test_popularity_is_what_models_count(city):
    log, n = city.log, len(city.dataset.items)
    place = np.random.default_rng(1).integers(n, size=(len(log), 8))
    rows = np.arange(len(log))
    later = later_counts(city.batch(rows), torch.from_numpy(place)).numpy()
    expected = log.item_counts(n, "train")[place] - later
    assert np.array_equal(PastPlaces(log, n).popularity(rows, place), expected)


def test_a_log_without_training_check_ins_has_counted_nothing(city):
    log = city.log
    blind = CheckInLog(log.user, log.item, log.time_s, log.hour, log.weekday, np.full(len(log), "test"))
    past, rows = PastPlaces(blind, len(city.dataset.items)), np.arange(len(log))
    assert not past.popularity(rows, log.item[:, None]).any()
    assert not past.visitors(rows, log.item[:, None]).any()
