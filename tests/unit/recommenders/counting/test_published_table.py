"""The known results of the counting baselines on the real data, within .002."""

import os
from pathlib import Path

import pytest

from lgsid.commands.prepare_data import builder_of
from lgsid.recommenders.counting import evaluate_counting

DATA = Path(os.environ.get("LGSID_DATA", "../shared/data"))
KEYS = ("hit@1", "hit@5", "hit@10", "mrr")
TABLE = {
    "foursquare_nyc": {
        "Popularity": (0.007, 0.025, 0.036, 0.018),
        "UserFrequency": (0.164, 0.489, 0.643, 0.312),
        "MostRecent": (0.030, 0.405, 0.611, 0.199),
        "TimeKernel": (0.227, 0.570, 0.693, 0.377),
        "TimeTransition": (0.298, 0.601, 0.694, 0.431),
    },
    "foursquare_nyc_leave_one_out": {
        "Popularity": (0.012, 0.032, 0.046, 0.025),
        "UserFrequency": (0.206, 0.496, 0.575, 0.334),
        "MostRecent": (0.030, 0.423, 0.548, 0.203),
        "TimeKernel": (0.237, 0.497, 0.572, 0.354),
        "TimeTransition": (0.302, 0.510, 0.564, 0.393),
    },
}
NEW_PLACES = (0.013, 0.042, 0.067, 0.034)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "foursquare_nyc").is_dir(), reason="needs foursquare_nyc in LGSID_DATA")
@pytest.mark.parametrize("config", TABLE)
def test_the_table_is_reproduced(config):
    found = evaluate_counting(builder_of(Path("configs/data") / f"{config}.yaml").build())
    for name, row in TABLE[config].items():
        for key, value in zip(KEYS, row, strict=True):
            assert found[f"{name}/test/{key}"] == pytest.approx(value, abs=0.002), (name, key)
    if config == "foursquare_nyc":
        for key, value in zip(KEYS, NEW_PLACES, strict=True):
            assert found[f"NewPlaceFloor/test/new/{key}"] == pytest.approx(value, abs=0.002), key
            assert found[f"NewPlaceFloor/test/explore/{key}"] == pytest.approx(value, abs=0.002), key
