"""Nothing simple tells negatives from positives: popularity, membership in the past, distance for the near half."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from lgsid.artefacts import Items
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.commands.prepare_data import builder_of
from lgsid.datamodules import CTRData, MatchedNegatives
from lgsid.errors import LgsidError
from lgsid.functional.auc import auc
from lgsid.functional.distances import haversine_m
from lgsid.recommenders.own_future import later_counts
from lgsid.testing import toy_city

DATA = Path(os.environ.get("LGSID_DATA", "../shared/data"))
LEAST = 100  # queries of a slice below which chance alone is larger than what is asserted


def opened(dataset):
    data = CTRData(dataset, max_history=100_000, val_queries=None)
    data.setup()
    return data


@pytest.fixture(scope="module")
def city():
    return opened(toy_city(n_items=400, n_users=60, n_checkins=12_000))


def alone(data, split):
    """AUC of popularity as models count it, of membership, and of nearness; of nearness among near ones. By slice."""
    rows = np.flatnonzero(data.log.split == split)
    found = []
    for part in np.array_split(rows, 1 + len(rows) // 2000):
        batch = data.ctr_batch(part)
        counts = torch.from_numpy(data.log.item_counts(len(data.dataset.items), "train"))
        popularity = counts[batch.candidate] - later_counts(batch, batch.candidate)
        member = (batch.candidate[:, :, None] == batch.history[:, None]).any(-1)
        lat, lon = (torch.tensor(np.asarray(v)) for v in (data.dataset.items.lat_deg, data.dataset.items.lon_deg))
        last = batch.history[:, -1:]
        km = haversine_m(lat[last], lon[last], lat[batch.candidate], lon[batch.candidate])
        near = batch.near & (last >= 0)
        found.append((batch.is_new[:, None].expand_as(near), batch.label, near, popularity, member, -km))
    is_new, label, near, popularity, member, nearness = (torch.cat(parts) for parts in zip(*found, strict=True))
    for name, inside in (("all", is_new | ~is_new), ("new", is_new), ("revisit", ~is_new)):
        if inside[:, 0].sum() >= LEAST:
            of_all = [float(auc(value[inside].double(), label[inside])) for value in (popularity, member)]
            some = inside & near
            yield name, *of_all, float(auc(nearness[some], label[some]))


def check(data, slices):
    for split in ("train", "val", "test"):
        found = list(alone(data, split))
        assert len(found) == slices
        for name, popularity, member, nearness in found:
            assert 0.45 <= popularity <= 0.55, (split, name)
            assert 0.45 <= member <= 0.55, (split, name)
            assert 0.45 <= nearness <= 0.55, (split, name)


@pytest.mark.slow
def test_nothing_simple_tells_in_a_synthetic_city(city):
    check(city, 3)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["foursquare_nyc", "gowalla_nyc", "context_trails_petaling_jaya"])
def test_nothing_simple_tells_in_real_cities(name):
    if not (DATA / name).is_dir():
        pytest.skip(f"needs {name} in LGSID_DATA")
    check(opened(builder_of(Path("configs/data") / f"{name}.yaml").build()), 3)


def test_negatives_are_of_the_side_of_the_positive_as_far_as_there_are_any():
    dataset = toy_city()
    log, n = CheckInLog.of(dataset), len(dataset.items)
    negative, near = MatchedNegatives().draw(log, dataset.items, np.random.default_rng(0))
    for row in range(len(log)):
        past = set(log.item[[r for r in range(row) if log.user[r] == log.user[row]]].tolist())
        own = set(negative[row].tolist())
        side = (set(range(n)) - past if log.is_new[row] else past) - {int(log.item[row])}
        assert len(own) == 4
        assert len(own & side) == min(4, len(side))
        assert near[row].tolist() == [bool(past)] * 2 + [False] * 2


def test_negatives_of_training_do_not_depend_on_what_came_after():
    dataset = toy_city()
    log = CheckInLog.of(dataset)
    training = np.flatnonzero(log.split == "train")
    early = CheckInLog(
        *(getattr(log, name)[training] for name in ("user", "item", "time_s", "hour", "weekday", "split"))
    )
    whole, _ = MatchedNegatives().draw(log, dataset.items, np.random.default_rng(0))
    alone, _ = MatchedNegatives().draw(early, dataset.items, np.random.default_rng(0))
    assert np.array_equal(whole[training], alone)


def test_fewer_places_than_negatives_repeat():
    dataset = toy_city()
    log, three = CheckInLog.of(dataset), Items(dataset.items.frame.iloc[:3].reset_index(drop=True))
    some = CheckInLog(log.user, log.item % 3, log.time_s, log.hour, log.weekday, log.split)
    negative, _ = MatchedNegatives(proposals=8).draw(some, three, np.random.default_rng(0))
    for row, drawn in enumerate(negative.tolist()):
        assert set(drawn) == {0, 1, 2} - {int(some.item[row])}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_near": -1}, "n_near and n_any must be 0 or more"),
        ({"n_near": 0, "n_any": 0}, "not both 0"),
        ({"proposals": 7}, "proposals must be at least 8, not 7"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(LgsidError, match=message):
        MatchedNegatives(**arguments)
