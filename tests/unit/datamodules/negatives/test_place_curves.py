"""Proposals along space-filling curves: near and far, all places, never out of range."""

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items
from lgsid.datamodules.negatives.place_curves import PlaceCurves, _interleaved


def places(lat, lon):
    frame = {
        "item_id": [str(i) for i in range(len(lat))],
        "name": "",
        "category": "",
        "category_group": "",
        "brand": "",
    }
    return Items.from_frame(pd.DataFrame({**frame, "lat": lat, "lon": lon}))


def test_codes_interleave_the_bits_of_both_coordinates():
    rng = np.random.default_rng(0)
    north, east = rng.random(50), rng.random(50)
    for found, y, x in zip(_interleaved(north, east), north, east, strict=True):
        rows, columns = (f"{int(value * (1 << 15)):016b}" for value in (y, x))
        assert found == int("".join(a + b for a, b in zip(rows, columns, strict=True)), 2)


def test_every_doubling_of_the_distance_is_proposed_about_as_often():
    rng = np.random.default_rng(1)
    n = 4000
    lat, lon = 48 + rng.random(n) * 0.3, 9 + rng.random(n) * 0.4
    curves = PlaceCurves(places(lat, lon))
    middle = int(np.argmin((lat - 48.15) ** 2 + (lon - 9.2) ** 2))
    drawn = curves.propose(np.full(3000, middle), 8, rng).reshape(-1)
    east = (lon - lon[middle]) * np.cos(np.radians(48.15))
    rank = np.argsort(np.argsort((lat - lat[middle]) ** 2 + east**2))[drawn]
    share = np.bincount(np.log2(rank.clip(min=1)).astype(int), minlength=12) / len(rank)
    assert share[:10].min() > 0.03  # of all, even the nearest two; drawn evenly those were 1 in 2,000
    assert share.max() < 0.3


@pytest.mark.parametrize("n", [2, 3, 7])
def test_few_places_and_places_at_one_spot(n):
    rng = np.random.default_rng(2)
    drawn = PlaceCurves(places(np.full(n, 1.0), np.full(n, 2.0))).propose(np.arange(n), 200, rng)
    assert drawn.shape == (n, 200)
    assert set(drawn.reshape(-1).tolist()) == set(range(n))
