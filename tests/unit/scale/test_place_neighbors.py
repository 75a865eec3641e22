"""Nearest places cell by cell are those of brute force, also across the date line and at the poles."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from lgsid.errors import LgsidError
from lgsid.functional.distances import EARTH_RADIUS_M, unit_vectors
from lgsid.scale import LocalExecutor, neighbors_of_catalogue
from lgsid.scale.sphere_cells import SphereCells, box_distances


def great_circles_m(lat, lon):
    """All distances by the haversine formula, each place infinitely far from itself."""
    lat, lon = np.radians(lat), np.radians(lon)
    half = np.sin((lat[:, None] - lat) / 2) ** 2
    half += np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    found = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half.clip(0, 1)))
    np.fill_diagonal(found, np.inf)
    return found


def places(seed=0):
    """A dense city, places over the date line, at both poles, alone in the sea, and four at one spot."""
    rng = np.random.default_rng(seed)
    dateline = (rng.normal(-17, 0.2, 150), (179.95 + rng.normal(0, 0.3, 150) + 180) % 360 - 180)
    north = (90 - rng.exponential(0.5, 100), rng.uniform(-180, 180, 100))
    south = (-90 + rng.exponential(0.5, 100), rng.uniform(-180, 180, 100))
    city = (40 + rng.normal(0, 0.05, 400), -74 + rng.normal(0, 0.05, 400))
    sea = (np.degrees(np.arcsin(rng.uniform(-1, 1, 40))), rng.uniform(-180, 180, 40))
    spot = (np.full(4, 12.5), np.full(4, 180.0))
    lat, lon = (np.concatenate(parts) for parts in zip(dateline, north, south, city, sea, spot, strict=True))
    return pd.DataFrame({"item_id": [f"p{at}" for at in range(len(lat))], "lat": lat, "lon": lon})


def written(frame, folder, parts=3):
    folder.mkdir()
    for number, rows in enumerate(np.array_split(np.random.default_rng(1).permutation(len(frame)), parts)):
        frame.iloc[rows].to_parquet(folder / f"part-{number}.parquet", index=False)
    return folder


def found_by_id(folder):
    table = pd.concat(pq.read_table(path).to_pandas() for path in sorted((folder / "neighbors").glob("*.parquet")))
    assert table["item_id"].is_unique
    return table.set_index("item_id")


@pytest.mark.parametrize(("every", "places_of_a_cell"), [(24, 3), (1, 60), (1, 400), (1, 10_000)])
def test_neighbors_are_those_of_brute_force(tmp_path, every, places_of_a_cell):
    frame, k = places().iloc[::every].reset_index(drop=True), 5  # cells of three places have less than k
    frame["item_id"] = [f"p{at}" for at in range(len(frame))]
    catalogue = written(frame, tmp_path / "places")
    assert neighbors_of_catalogue(catalogue, tmp_path / "out", LocalExecutor(), k, places_of_a_cell) == len(frame)
    found = found_by_id(tmp_path / "out").loc[frame["item_id"]]
    distances = great_circles_m(frame["lat"].to_numpy(), frame["lon"].to_numpy())
    meters = np.stack(found["meters"])
    np.testing.assert_allclose(meters, np.sort(distances, axis=1)[:, :k], rtol=1e-6, atol=1e-2)
    rows = np.stack([[int(name[1:]) for name in names] for names in found["neighbor"]])
    np.testing.assert_allclose(np.take_along_axis(distances, rows, axis=1), meters, rtol=1e-6, atol=1e-2)
    assert all(len(set(row)) == k for row in rows.tolist())
    assert (rows != np.arange(len(frame))[:, None]).all()


def test_halos_are_small_and_places_without_coordinates_are_left_out(tmp_path):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"item_id": [f"p{at}" for at in range(4_000)], "lat": rng.uniform(40, 41, 4_000)})
    frame = frame.assign(lon=rng.uniform(-74, -73, 4_000))
    frame.loc[7, "lat"] = np.nan
    catalogue = written(frame, tmp_path / "places")
    assert neighbors_of_catalogue(catalogue, tmp_path / "out", LocalExecutor(), 3, 250) == 3_999
    told = [json.loads(path.read_text())["told"] for path in (tmp_path / "out" / "neighbors" / ".records").iterdir()]
    assert sum(each["rows"] for each in told) == 3_999
    assert 0 < sum(each["halo"] for each in told) < 3_999


def test_cells_are_even_and_boxes_hold_what_lies_in_them():
    points = unit_vectors(*places()[["lat", "lon"]].to_numpy().T)
    cells = SphereCells.of(points, 3)
    cell = cells.cell(points)
    assert np.bincount(cell, minlength=cells.count).max() <= len(points) / 8 + 4
    inside = points[cell == 2]
    low, high = inside.min(axis=0), inside.max(axis=0)
    distances = box_distances(points, low, high)
    assert (distances[cell == 2] == 0).all()
    clipped = [np.linalg.norm(point - np.clip(point, low, high)) for point in points]
    np.testing.assert_allclose(distances, clipped)


def test_wrong_input_is_one_line(tmp_path):
    frame = places().assign(lat=np.nan)
    catalogue = written(frame, tmp_path / "places")
    with pytest.raises(LgsidError, match="no place has coordinates"):
        neighbors_of_catalogue(catalogue, tmp_path / "out", LocalExecutor())
    with pytest.raises(LgsidError, match="positive numbers"):
        neighbors_of_catalogue(catalogue, tmp_path / "out", LocalExecutor(), k=0)
