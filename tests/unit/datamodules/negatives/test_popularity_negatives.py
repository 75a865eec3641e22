"""Negatives drawn by popularity: where they are, how often."""

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import Items
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.datamodules import CTRData, PopularityNegatives
from lgsid.datamodules.negatives import popularity_negatives
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m, unit_vectors

NEAR_KM = 1.0


def distance_km(items, a, b):
    lat, lon = torch.from_numpy(items.lat_deg), torch.from_numpy(items.lon_deg)
    return haversine_m(lat[a], lon[a], lat[b], lon[b]).numpy() / 1e3


def test_two_near_two_anywhere_never_the_positive(toy_folder):
    data = CTRData(str(toy_folder), negatives=PopularityNegatives(near_km=NEAR_KM))
    data.setup()
    log, items, drawn = data.log, data.dataset.items, data.candidates
    assert drawn.negative.shape == (len(log), 4)
    assert (drawn.negative != log.item[:, None]).all()
    assert ((drawn.negative >= 0) & (drawn.negative < len(items))).all()
    assert not drawn.near[:, 2:].any()
    assert not drawn.near[log.n_before == 0].any()
    rows = np.flatnonzero(log.n_before > 0)
    last = log.item[log.by_user[log.place_in_user_order[rows] - 1]]
    for column in range(2):
        km = distance_km(items, last, drawn.negative[rows, column])
        assert (km[drawn.near[rows, column]] <= NEAR_KM).all()
    everywhere = np.arange(len(items))
    for row, place in zip(rows, last, strict=True):  # a near one is missing only where there is none
        around = everywhere[distance_km(items, np.full(len(items), place), everywhere) <= NEAR_KM]
        assert drawn.near[row, :2].all() == bool(set(around.tolist()) - {int(log.item[row])})


@pytest.mark.parametrize("cells", [popularity_negatives.CELLS, 40])
@pytest.mark.parametrize("near_km", [0.05, 0.6, 30_000.0])
def test_draws_around_a_place_are_those_of_a_look_at_all_places(cells, near_km, monkeypatch):
    monkeypatch.setattr(popularity_negatives, "CELLS", cells)
    rng, n, m = np.random.default_rng(0), 150, 400
    lat, lon = rng.normal(48, 0.01, n), rng.normal(9, 0.01, n)
    weight = rng.integers(1, 9, n).astype(np.float64)
    last, positive, share = rng.integers(n, size=m), rng.integers(n, size=m), rng.random(m)
    drawn = popularity_negatives._draw_around(share, weight, unit_vectors(lat, lon), last, positive, near_km)
    lat, lon = torch.from_numpy(lat), torch.from_numpy(lon)
    for i in range(m):
        km = haversine_m(lat[last[i]], lon[last[i]], lat, lon).numpy() / 1e3
        ends = np.cumsum(np.where((km <= near_km) & (np.arange(n) != positive[i]), weight, 0.0))
        assert drawn[i] == (-1 if ends[-1] == 0 else (ends <= share[i] * ends[-1]).sum())
    assert popularity_negatives._draw_around(
        share[:0], weight, unit_vectors(lat, lon), last[:0], last[:0], 1.0
    ).shape == (0,)


def test_draws_are_by_popularity():
    """One place, far from all but two: near draws are of those, by training count plus one; any draws are of all."""
    lat = np.array([0.0, 0.001, 0.002, 1.0, 1.0])
    frame = {"item_id": list("abcde"), "name": "", "category": "", "category_group": "", "brand": ""}
    items = Items.from_frame(pd.DataFrame({**frame, "lat": lat, "lon": 0.0}))
    m = 40_000
    item = np.zeros(m, dtype=np.int64)  # everybody is at a, and then at d (the positive), one user each
    user = np.repeat(np.arange(m // 2), 2)
    item[1::2] = 3
    split = np.full(m, "test")
    counted = np.array([1] * 2 + [2] * 5 + [4] * 11)  # training: b 2, c 5, e 11 times
    item = np.concatenate([counted, item])
    user = np.concatenate([np.full(18, m), user])
    split = np.concatenate([np.full(18, "train"), split])
    hours = np.zeros(len(item), dtype=np.float32)
    log = CheckInLog(user, item, np.arange(len(item), dtype=float), hours, hours.astype(np.int64), split)
    negative, _ = PopularityNegatives(near_km=5.0).draw(log, items, np.random.default_rng(1))
    positive = np.flatnonzero((log.item == 3) & (log.n_before == 1))
    near = np.bincount(negative[positive, :2].reshape(-1), minlength=5)
    assert near / near.sum() == pytest.approx(np.array([1, 3, 6, 0, 0]) / 10, abs=0.01)
    anywhere = np.bincount(negative[positive, 2:].reshape(-1), minlength=5)
    assert anywhere / anywhere.sum() == pytest.approx(np.array([1, 3, 6, 0, 12]) / 22, abs=0.01)


def test_sparse_surroundings_are_looked_through():
    """The rare near place is found even where popular draws never hit it; no near place means one from anywhere."""
    n = 5000
    lat, lon = np.full(n, 10.0), np.linspace(0, 90, n)
    lat[:2], lon[:2] = 0.0, [0.0, 0.001]
    lat[2], lon[2] = -40.0, 0.0
    base = {"item_id": [str(i) for i in range(n)], "name": "", "category": "", "category_group": "", "brand": ""}
    items = Items.from_frame(pd.DataFrame({**base, "lat": lat, "lon": lon}))
    popular = np.repeat(np.arange(3, n), 20)
    item = np.concatenate([popular, [0, 3], [2, 3], [0, 1]])
    user = np.concatenate([np.arange(len(popular)) + 10, [0, 0, 1, 1, 2, 2]])
    split = np.concatenate([np.full(len(popular), "train"), np.full(6, "test")])
    hours = np.zeros(len(item), dtype=np.float32)
    log = CheckInLog(user, item, np.arange(len(item), dtype=float), hours, hours.astype(np.int64), split)
    negative, near = PopularityNegatives(near_km=0.5).draw(log, items, np.random.default_rng(0))
    assert set(negative[-5, :2].tolist()) <= {0, 1}  # of 5,000 places, only the last one and its neighbour
    assert near[-5].tolist() == [True, True, False, False]
    assert set(negative[-3, :2].tolist()) == {2}  # alone: only the last place itself is near
    assert set(negative[-1, :2].tolist()) == {0}


@pytest.mark.parametrize("near_km", [0.0, -1.0, float("nan")])
def test_a_radius_that_is_none_is_refused(near_km):
    with pytest.raises(LgsidError, match="near_km must be positive"):
        PopularityNegatives(near_km=near_km)
