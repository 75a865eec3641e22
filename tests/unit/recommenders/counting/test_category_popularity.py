"""Popularity by category against a loop over its definition, and what it does not know."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import Dataset, Interactions
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.recommenders import CategoryPopularity
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.testing import toy_city

PRIOR, SCALE_KM = 0.7, 0.5


@pytest.fixture(scope="module")
def city():
    """A city of which every fourth place, and all places of one category, have no check-in before the test."""
    whole = toy_city(n_checkins=900)
    frame, category = whole.interactions.frame, whole.items.texts("category")
    hidden = (whole.item_rows % 4 == 0) | (category == category[1])[whole.item_rows]
    kept = ~hidden | (frame["split"] == "test").to_numpy()
    return Dataset(whole.items, Interactions(frame[kept].reset_index(drop=True)), whole.report)


def counted(dataset):
    source = LogSource.of(dataset)
    model = CategoryPopularity(SCALE_KM, PRIOR)
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    return model, source.log


def loop(dataset, log, row, splits):
    """Score every place as the docstring says."""
    category, n = dataset.items.texts("category"), len(dataset.items)
    rows = [r for r in range(len(log)) if log.split[r] in splits]
    visited = {int(log.item[r]) for r in rows}
    now = [r for r in rows if int(log.hour[r]) == int(log.hour[row])]
    past = [int(log.item[r]) for r in range(row) if log.user[r] == log.user[row]]
    lat, lon = np.radians(dataset.items.lat_deg), np.radians(dataset.items.lon_deg)
    scores = []
    for i in range(n):
        same = sum(category[log.item[r]] == category[i] for r in now)
        places = sum(category[j] == category[i] for j in visited)
        rate = (same + PRIOR * len(now) / len(visited)) / (places + PRIOR)
        km = 0.0
        if past:
            a = past[-1]
            half = math.sin((lat[a] - lat[i]) / 2) ** 2
            half += math.cos(lat[a]) * math.cos(lat[i]) * math.sin((lon[a] - lon[i]) / 2) ** 2
            km = 2 * 6371.0088 * math.asin(math.sqrt(half))
        scores.append(rate * math.exp(-math.sqrt(km / SCALE_KM)))
    return scores


@pytest.mark.parametrize(("split", "splits"), [("val", {"train"}), ("test", {"train", "val"})])
def test_scores_are_the_loop(city, split, splits):
    model, log = counted(city)
    rows = np.flatnonzero(log.split == split)[:25]
    assert len(rows) > 10
    found = model.scores(sequence_batch(log, rows))
    for b, row in enumerate(rows.tolist()):
        np.testing.assert_allclose(found[b], loop(city, log, row, splits), rtol=1e-6, atol=1e-12)


def test_an_unknown_category_is_an_average_place_and_no_place_counts_by_itself(city):
    model, log = counted(city)
    category = city.items.texts("category")
    model.scale_km = 1e12  # as if everything were here
    scores = model.scores(sequence_batch(log, np.flatnonzero(log.split == "test")))
    before = log.split != "test"
    n_visited = len(np.unique(log.item[before]))
    for b, row in enumerate(np.flatnonzero(log.split == "test")):
        mean = np.sum(before & (np.floor(log.hour) == np.floor(log.hour[row]))) / n_visited
        np.testing.assert_allclose(scores[b, category == category[1]], mean, rtol=1e-4)
    for name in set(category):
        same = scores[:, torch.from_numpy(category == name)]
        torch.testing.assert_close(same, same[:, :1].expand_as(same), rtol=1e-4, atol=0)


def test_check_ins_of_the_test_do_not_count(city):
    model, _ = counted(city)
    frame = city.interactions.frame
    other = frame.assign(hour=frame["hour"].where(frame["split"] != "test", 3))
    changed, _ = counted(Dataset(city.items, Interactions(pd.DataFrame(other)), city.report))
    assert torch.equal(model.rate, changed.rate)
    assert model.rate.std() > 0
