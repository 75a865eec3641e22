"""The plan of the synthetic city: an island with a river, districts and neighborhoods."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPoint, Point, Polygon

from lgsid.datasets.synthetic.words import AREA_ENDS, COMPASS, QUARTERS, STEMS, shuffled

Array = npt.NDArray[np.float64]
CENTER_LAT, CENTER_LON = 45.0, -30.0  # in the Atlantic, so that nobody mistakes it for a real city
METERS_PER_DEGREE = 111_320.0
RIVER_HALF_WIDTH_M, CROSSING_KM = 140.0, 0.8


@dataclass(frozen=True)
class CityPlan:
    """Land and its areas, in meters east and north of the center.

    Args:
        radius_m: Approximate distance of the coast from the center.
        land: The island without the river, that is, the two banks.
        neighborhoods: Columns `name`, `district`, `bank` and the geometry in EPSG:4326.
        districts: Columns `name` and the geometry in EPSG:4326.
        seeds_m: Center of each neighborhood, shape (A, 2).
    """

    radius_m: float
    land: shapely.Geometry
    neighborhoods: geopandas.GeoDataFrame
    districts: geopandas.GeoDataFrame
    seeds_m: Array

    def bank(self, xy_m: Array) -> npt.NDArray[np.int64]:
        """Return the bank of the river of each point: 0 south, 1 north. Shape (N,)."""
        return (xy_m[:, 1] > river_y(xy_m[:, 0], self.radius_m)).astype(np.int64)

    def contains(self, xy_m: Array) -> npt.NDArray[np.bool_]:
        """Return a mask of the points on land. Shape (N,)."""
        return np.asarray(shapely.contains_xy(self.land, xy_m[:, 0], xy_m[:, 1]))

    def distance_km(self, from_m: Array, to_m: Array) -> Array:
        """Return walking distances in kilometers; crossing the river costs extra. Shape (M, N)."""
        straight = np.hypot(*(one[:, None] - other for one, other in zip(from_m.T, to_m.T, strict=True))) / 1000
        return np.asarray(straight + CROSSING_KM * (self.bank(from_m)[:, None] != self.bank(to_m)[None, :]))


def river_y(x_m: Array, radius_m: float) -> Array:
    """Return the northing of the river at the easting `x_m`, in meters from the center."""
    u = x_m / radius_m
    return np.asarray(radius_m * (-0.14 + 0.09 * np.sin(3.1 * u + 0.4) + 0.05 * np.sin(7.0 * u)))


def to_degrees(xy_m: Array) -> tuple[Array, Array]:
    """Return latitude and longitude of points in meters from the center, each of shape (N,)."""
    lat = CENTER_LAT + xy_m[:, 1] / METERS_PER_DEGREE
    lon = CENTER_LON + xy_m[:, 0] / (METERS_PER_DEGREE * np.cos(np.radians(CENTER_LAT)))
    return lat, lon


def create_plan(n_districts: int, n_neighbourhoods: int, radius_m: float, rng: np.random.Generator) -> CityPlan:
    """Generate a plan: neighborhoods are smaller near the center, and no area spans the river."""
    from sklearn.cluster import KMeans  # slow to import, and only this source needs it

    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    phase = rng.uniform(0, 2 * np.pi, 3)
    reach = 1 + 0.10 * np.cos(2 * angle + phase[0]) + 0.07 * np.cos(3 * angle + phase[1])
    reach = reach + 0.03 * np.cos(7 * angle + phase[2])
    island = Polygon(np.stack([np.cos(angle), np.sin(angle)], axis=1) * (radius_m * reach)[:, None])
    along = np.linspace(-1.6 * radius_m, 1.6 * radius_m, 200)
    course = np.stack([along, river_y(along, radius_m)], axis=1)
    river = shapely.LineString(course).buffer(min(RIVER_HALF_WIDTH_M, 0.03 * radius_m))
    land = island.difference(river)
    seeds = _seeds(land, n_neighbourhoods, radius_m, rng)
    bank = (seeds[:, 1] > river_y(seeds[:, 0], radius_m)).astype(int)
    cells = _cells(seeds, bank, land, course, radius_m)
    area_names = shuffled((STEMS, AREA_ENDS), "", rng)
    features = np.column_stack([seeds, bank * 4.0 * radius_m])
    clusters = KMeans(n_districts, n_init=4, random_state=int(rng.integers(2**31))).fit_predict(features)
    district_names = _name_districts(seeds, clusters)
    frame = geopandas.GeoDataFrame(
        {
            "name": [next(area_names) for _ in seeds],
            "district": [district_names[c] for c in clusters],
            "bank": bank,
        },
        geometry=[shapely.transform(cell, _transform) for cell in cells],
        crs="EPSG:4326",
    )
    districts = frame[["district", "geometry"]].dissolve("district").reset_index().rename(columns={"district": "name"})
    return CityPlan(radius_m, land, frame, districts, seeds)


def _transform(xy: Array) -> Array:
    lat, lon = to_degrees(xy)
    return np.column_stack([lon, lat])


def _seeds(land: shapely.Geometry, n: int, radius_m: float, rng: np.random.Generator) -> Array:
    """Sample the centers of neighborhoods, closer together near the center of the city."""
    best: Array = np.zeros((0, 2))
    while len(best) < n:  # a candidate counts if it is far enough from the others for its distance to the center
        point = rng.normal(0, 0.5 * radius_m, 2)
        spacing = (0.10 + 0.22 * np.hypot(*point) / radius_m) * radius_m * np.sqrt(28 / n) * 0.95 ** (len(best) / 40)
        near = len(best) and np.hypot(*(best - point).T).min() < spacing
        if not near and land.contains(Point(point)):
            best = np.vstack([best, point])
        elif rng.random() < 0.002:  # no room is left: start again
            best = np.zeros((0, 2))
    return best


def _cells(
    seeds: Array, bank: npt.NDArray[np.int_], land: shapely.Geometry, course: Array, radius_m: float
) -> list[shapely.Geometry]:
    """Return the Voronoi cell of each neighborhood on its bank of the river."""
    far = 3 * radius_m
    cells: list[shapely.Geometry] = [None] * len(seeds)
    for side in (0, 1):
        members = np.flatnonzero(bank == side)
        edge = far if side else -far
        half = land.intersection(Polygon([*course, (course[-1][0], edge), (course[0][0], edge)]))
        if len(members) == 1:
            cells[members[0]] = half
        elif len(members) > 1:
            diagram = shapely.voronoi_polygons(MultiPoint(seeds[members]), extend_to=half.envelope)
            tree = shapely.STRtree(list(diagram.geoms))
            for i in members:
                found = tree.query(Point(seeds[i]), predicate="intersects")
                cells[i] = diagram.geoms[int(found[0])].intersection(half)
    return cells


def _name_districts(seeds: Array, clusters: npt.NDArray[np.int_]) -> list[str]:
    """Name districts by their direction from the center; the central one is the Old Town."""
    middles = np.array([seeds[clusters == c].mean(axis=0) for c in range(clusters.max() + 1)])
    old_town = int(np.hypot(*middles.T).argmin())
    names: list[str] = []
    for c, (x, y) in enumerate(middles):
        side = COMPASS[round(float(np.arctan2(y, x)) / (np.pi / 4)) % 8]
        names.append("Old Town" if c == old_town else f"{side} {QUARTERS[c % len(QUARTERS)]}")
    return names
