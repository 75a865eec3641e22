"""Counting baselines on the click-through task, against loops and against the datamodule of other models."""

import logging
import math

import numpy as np
import pandas as pd
import pytest

from lgsid.datamodules import CTRData
from lgsid.datamodules.ctr_candidates import CTRCandidates
from lgsid.errors import LgsidError
from lgsid.recommenders.counting import (
    CLICK_BASELINES,
    NearestPlace,
    NewPlaceFloor,
    Popularity,
    TimeTransition,
    evaluate_counting_clicks,
    ranking_suite,
)
from lgsid.testing import quiet_trainer, toy_city

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
COLUMNS = ["row", "user", "candidate", "label", "near", "score"]


@pytest.fixture(scope="module", params=[False, True], ids=["temporal", "leave one out"])
def city(request, tmp_path_factory):
    """A town, its candidates as a DIN sees them, what the baselines make of them, and the samples of each."""
    folder = tmp_path_factory.mktemp("city")
    toy_city(folder=folder, leave_one_out=request.param)
    data = CTRData(str(folder), max_history=1000, val_queries=None)
    data.setup()
    return data, evaluate_counting_clicks(folder, data.candidates, "test", folder), folder


def samples(city, name):
    return pd.read_parquet(city[2] / f"per_sample_{name}.parquet")


def test_candidates_are_those_of_the_datamodule(city):
    data, found, _ = city
    served = {}
    for batch in data.test_dataloader():
        for row, user, *columns in zip(
            *(getattr(batch, name).tolist() for name in ("row", "user", "label", "candidate", "near")), strict=True
        ):
            served[row] = [(label, candidate, near, user) for label, candidate, near in zip(*columns, strict=True)]
    for baseline in CLICK_BASELINES:
        table = samples(city, baseline.__name__)
        assert list(table.columns) == COLUMNS
        assert table["row"].drop_duplicates().tolist() == data.queries("test").tolist()
        for row, part in table.groupby("row"):
            columns = (part[name].tolist() for name in ("label", "candidate", "near", "user"))
            assert list(zip(*columns, strict=True)) == served[row]
        assert found[f"{baseline.__name__}/test/samples"] == len(table)


def area(positive, negative):
    """Count the pairs in the right order, ties half."""
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    return sum(pairs) / len(pairs)


def test_metrics_are_the_loops(city):
    data, found, _ = city
    for baseline in CLICK_BASELINES:
        name = baseline.__name__
        table = samples(city, name)
        fresh = data.log.is_new[table["row"]]
        for key, part in (("", table), ("new/", table[fresh]), ("revisit/", table[~fresh])):
            near = part[part["near"]]
            for metric, chosen in (("auc", part), ("near_auc", near)):
                right, wrong = (chosen.loc[chosen["label"] == label, "score"].tolist() for label in (1, 0))
                if right and wrong:
                    assert found[f"{name}/test/{key}{metric}"] == pytest.approx(area(right, wrong), abs=1e-6)
            areas = []
            for _, of_user in part.groupby("user"):
                right, wrong = (of_user.loc[of_user["label"] == label, "score"].tolist() for label in (1, 0))
                areas.append((area(right, wrong), len(of_user)))
            expected = sum(value * size for value, size in areas) / sum(size for _, size in areas)
            assert found[f"{name}/test/{key}gauc"] == pytest.approx(expected, abs=1e-6)
    assert not any("logloss" in key for key in found)


def test_scores_of_popularity_and_distance_are_the_loops(city):
    data = city[0]
    log, items = data.log, data.dataset.items
    popularity, nearest = samples(city, "Popularity"), samples(city, "NearestPlace")
    counted = [sum(log.item[r] == i and log.split[r] != "test" for r in range(len(log))) for i in range(len(items))]
    assert popularity["score"].tolist() == [counted[item] for item in popularity["candidate"]]
    lat, lon = np.radians(items.lat_deg), np.radians(items.lon_deg)
    for row, item, score in nearest[["row", "candidate", "score"]].itertuples(index=False):
        past = [r for r in range(row) if log.user[r] == log.user[row]]
        if not past or log.item[past[-1]] == item:
            assert score == (-1e5 if past else 0)
            continue
        last = log.item[past[-1]]
        half = math.sin((lat[last] - lat[item]) / 2) ** 2
        half += math.cos(lat[last]) * math.cos(lat[item]) * math.sin((lon[last] - lon[item]) / 2) ** 2
        assert score == pytest.approx(-2 * 6371.0088 * math.asin(math.sqrt(half)), abs=1e-6)


def test_membership_is_the_loop(city):
    table, log = samples(city, "VisitedBefore"), city[0].log
    for row, part in table.groupby("row"):
        visited = set(log.item[[r for r in range(row) if log.user[r] == log.user[row]]].tolist())
        assert part["score"].tolist() == [item in visited for item in part["candidate"]]


def test_the_floor_of_new_places_puts_places_of_the_past_last(city):
    table, log = samples(city, "NewPlaceFloor"), city[0].log
    for row, part in table.groupby("row"):
        visited = set(log.item[[r for r in range(row) if log.user[r] == log.user[row]]].tolist())
        assert [s == -math.inf for s in part["score"]] == [item in visited for item in part["candidate"]]


@pytest.mark.parametrize("baseline", [TimeTransition, NewPlaceFloor])
def test_a_trainer_with_the_datamodule_measures_the_same(city, baseline, tmp_path):
    data, found, _ = city
    model = baseline()
    results = quiet_trainer().test(model, datamodule=data, verbose=False)[0]
    own = {key.partition("/")[2]: value for key, value in found.items() if key.startswith(f"{baseline.__name__}/")}
    assert results == pytest.approx(own, abs=1e-6)
    model.export(tmp_path)
    by = ["row", "label", "candidate"]
    one = pd.read_parquet(tmp_path / "per_sample.parquet").sort_values(by, ignore_index=True)
    other = samples(city, baseline.__name__).sort_values(by, ignore_index=True)
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_chunks_do_not_matter(city, monkeypatch, tmp_path):
    data, found, _ = city
    monkeypatch.setattr(ranking_suite, "CELLS", 3 * len(data.dataset.items))
    again = evaluate_counting_clicks(data.dataset, data.candidates, "test", tmp_path)
    assert again == found
    for baseline in CLICK_BASELINES:
        table = pd.read_parquet(tmp_path / f"per_sample_{baseline.__name__}.parquet")
        pd.testing.assert_frame_equal(table, samples(city, baseline.__name__))


def test_chosen_baselines_other_splits_and_mistakes(city):
    data = city[0]
    found = evaluate_counting_clicks(data.dataset, data.candidates, "val", baselines=[NearestPlace()])
    assert {key.split("/")[0] for key in found} == {"NearestPlace"}
    assert found["NearestPlace/val/samples"] == 5 * len(data.queries("val"))
    with pytest.raises(LgsidError, match="once only"):
        evaluate_counting_clicks(data.dataset, data.candidates, baselines=[Popularity(), Popularity()])
    with pytest.raises(LgsidError, match="no check-ins"):
        evaluate_counting_clicks(data.dataset, data.candidates, split="holdout")
    part = data.candidates
    some = CTRCandidates(part.row[:5], part.negative[:5], part.near[:5])
    with pytest.raises(LgsidError, match="no negatives"):
        evaluate_counting_clicks(data.dataset, some)
