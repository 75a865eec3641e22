"""The public datasets, where they are at hand: counts that their publishers state."""

import json
from pathlib import Path

import numpy as np
import pytest

from lgsid.commands.prepare_data import builder_of
from lgsid.datasets.data_source import data_root

CONFIGS = Path(__file__).parents[3] / "configs" / "data"
HERE = data_root(None)
pytestmark = [pytest.mark.data, pytest.mark.skipif(not HERE.is_dir(), reason="LGSID_DATA is absent")]


@pytest.fixture(scope="module")
def nyc():
    return builder_of(CONFIGS / "foursquare_nyc.yaml").build()


def test_foursquare_nyc_counts(nyc):
    stats = json.loads((HERE / "foursquare_nyc/stats.json").read_text())
    frame = nyc.interactions.frame
    assert (len(nyc.items), len(frame), len(nyc.user_ids)) == (stats["pois"], stats["checkins"], stats["users"])
    assert (len(nyc.items), len(frame)) == (4988, 113344)
    blocks = {name: block["checkins"] for name, block in stats["by_block"].items()}
    splits = frame["split"].value_counts()
    assert splits["test"] == blocks["T5"] == 11335
    assert splits["val"] == blocks["T4"]
    assert splits["train"] == sum(blocks[f"T{i}"] for i in range(4))
    assert frame["time"].is_monotonic_increasing


def test_foursquare_nyc_revisits_of_the_test(nyc):
    frame = nyc.interactions.frame
    again = frame.duplicated(["user_id", "item_id"])
    assert again[frame["split"] == "test"].mean() == pytest.approx(0.81, abs=0.005)


def test_foursquare_nyc_attributes(nyc):
    items = nyc.items.frame
    assert (items["name"] != "").sum() == 3186
    assert (items["category_group"] != "").all()
    for region in ("region_1", "region_2"):
        assert (items[region] != "").all()
    county, area = nyc.report["region_join"]
    assert county["within"] / len(items) == pytest.approx(0.999, abs=0.001)
    assert area["within"] / len(items) == pytest.approx(0.814, abs=0.001)
    boroughs = {"Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island"}
    assert boroughs < set(items["region_1"])
    outside = ~items["region_1"].isin(boroughs)
    assert (items.loc[outside, "region_2"] == items.loc[outside, "region_1"]).all()
    starbucks = items[items["name"].str.startswith("Starbucks")]
    assert (starbucks["brand"] == "Starbucks").mean() > 0.95


def test_foursquare_nyc_leave_one_out():
    dataset = builder_of(CONFIGS / "foursquare_nyc_leave_one_out.yaml").build()
    frame = dataset.interactions.frame
    counts = frame["split"].value_counts()
    assert (counts["test"], counts["val"]) == (1082, 1081)  # one user has two check-ins
    again = frame.duplicated(["user_id", "item_id"])
    assert again[frame["split"] == "test"].mean() == pytest.approx(0.65, abs=0.01)


def test_gowalla_nyc():
    builder = builder_of(CONFIGS / "gowalla_nyc.yaml", {"repeated": "keep"})
    dataset = builder.build()
    assert (len(dataset.interactions), len(dataset.user_ids), len(dataset.items)) == (101687, 3456, 6568)
    notes = {(n["action"], n["what"]): n["count"] for n in dataset.report["notes"]}
    assert notes["set", "names"] == 17291
    assert (dataset.items.frame["brand"] == "Starbucks").sum() > 100
    assert (dataset.items.frame.loc[dataset.items.frame["name"] == "Starbucks Coffee", "brand"] == "Starbucks").all()


def test_context_trails():
    dataset = builder_of(CONFIGS / "context_trails_petaling_jaya.yaml").build()
    notes = [(n["action"], n["what"], n["count"]) for n in dataset.report["notes"]]
    assert ("dropped", "places", 1413) in notes
    assert dataset.region_names == ["state", "district", "constituency"]
    assert (dataset.items.frame["region_3"] != "").all()
    assert not dataset.items.frame["region_3"].str.startswith("P.").any()
    assert dataset.items.frame["category_group"].nunique() <= 11


def test_context_trails_core_of_the_readme():
    """With the places that have no coordinates, the 5-core is the one that the README of the data states."""
    from lgsid.datasets.k_core import k_core

    raw = builder_of(CONFIGS / "context_trails_petaling_jaya.yaml").source.read()
    kept = raw.interactions[k_core(raw.interactions, 5, 5)]
    assert (len(kept), kept["user_id"].nunique(), kept["item_id"].nunique()) == (105476, 6609, 4044)


def test_foursquare_phoenix():
    dataset = builder_of(CONFIGS / "foursquare_phoenix.yaml").build()
    assert len(dataset.interactions) == 18056 - 29
    assert dataset.items.frame["category_group"].nunique() == 10
    assert np.all(dataset.items.texts("region_1") == "Maricopa County")
