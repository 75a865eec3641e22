"""A ground for the map without a tile server: the built-up area and its regions, made of the places themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from lgsid.artefacts.items import Items
from lgsid.plots.map_window import KM_PER_DEGREE, frame_origin, local_km

NEIGHBOR = 4  # the ground reaches as far around a place as its fourth neighbor is from most places
SHARE = 0.85  # of the places that this holds for
SMOOTHING = 0.5  # in reaches: gaps narrower than twice this are closed
CELLS = 4  # per reach: places in one cell of the grid share a disc
HOLE = 12.0  # square reaches: smaller holes in the ground are filled
SLIVER = 0.05  # square reaches: smaller parts of a region are left out
DIGITS = 5  # of degrees: a meter


def boundaries(items: Items) -> dict[str, Any]:
    """Return the ground of a city as GeoJSON, in EPSG:4326.

    A dataset keeps the names of regions, not their polygons, so borders are drawn around the places: each point of the
    ground belongs to the region of the nearest place (the Voronoi cells of the places, joined by region). The ground
    is what lies within a reach of a place; the reach follows from how close to each other the places are.

    Args:
        items: The places; those without a position take no part.

    Returns:
        A FeatureCollection. The first feature has `kind` `ground`; the others `kind` `region`, `level` (1 is the
        coarsest), `name`, `label` (a point inside, longitude and latitude) and `places` (how many). Empty without
        places.
    """
    lat, lon = items.lat_deg[items.located], items.lon_deg[items.located]
    features: list[dict[str, Any]] = []
    if len(lat):
        origin = frame_origin(lat, lon)
        xy_km = local_km(lat, lon, origin)
        ground, reach_km = built_up(xy_km)
        features.append(feature(ground, origin, {"kind": "ground"}))
        if items.region_columns:
            cells, first = place_cells(xy_km, ground)
            for level, column in enumerate(items.region_columns, start=1):
                names = items.texts(column)[items.located]
                regions = sorted(set(names[first].tolist()))
                joined = [shapely.union_all(cells[names[first] == name]) for name in regions]
                plainer = shapely.coverage_simplify(joined, reach_km / 10, simplify_boundary=False)
                for name, area in zip(regions, plainer, strict=True):
                    if not name:
                        continue
                    shape = without_slivers(shapely.intersection(area, ground), SLIVER * reach_km**2)
                    told = {"kind": "region", "level": level, "name": name, "places": int((names == name).sum())}
                    if not shape.is_empty:
                        features.append(feature(shape, origin, told))
    return {"type": "FeatureCollection", "features": features}


def built_up(xy_km: npt.NDArray[np.float64]) -> tuple[BaseGeometry, float]:
    """Return the area within a reach of the places (N, 2), smoothed, and that reach in km."""
    points = np.unique(xy_km, axis=0)
    k = min(NEIGHBOR + 1, len(points))
    away = cKDTree(points).query(points, k=[k])[0][:, 0]
    reach = float(np.clip(np.quantile(away, SHARE), 0.1, 5.0))
    centers = np.unique(np.round(points * CELLS / reach), axis=0) * reach / CELLS
    discs = shapely.buffer(shapely.points(centers), reach, quad_segs=6)
    area = shapely.union_all(discs).buffer(SMOOTHING * reach, quad_segs=6).buffer(-SMOOTHING * reach, quad_segs=6)
    return without_holes(area.simplify(reach / 40), HOLE * reach**2), reach


def without_holes(area: BaseGeometry, km2: float) -> BaseGeometry:
    """Return an area with those of its holes filled that are smaller than `km2` square kilometers."""
    rings = [ring for part in parts(area) for ring in part.interiors]
    small = [hole for hole in map(shapely.Polygon, rings) if hole.area < km2]
    return shapely.union_all([area, *small])


def without_slivers(area: BaseGeometry, km2: float) -> BaseGeometry:
    """Return the parts of an area that are at least `km2` square kilometers large, or the largest of them."""
    found = parts(area)
    largest = max((part.area for part in found), default=0.0)
    return shapely.union_all([part for part in found if part.area >= min(km2, largest)])


def parts(area: BaseGeometry) -> list[shapely.Polygon]:
    """Return the polygons of an area."""
    return [part for part in shapely.get_parts(area) if isinstance(part, shapely.Polygon)]


def place_cells(
    xy_km: npt.NDArray[np.float64], ground: BaseGeometry
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Return the Voronoi cells of the different positions among places (N, 2), and the first place of each."""
    points, first = np.unique(xy_km, axis=0, return_index=True)
    if len(points) < 2:
        return np.array([ground], dtype=object), first
    diagram = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=shapely.box(*ground.bounds), ordered=True)
    return np.asarray(shapely.get_parts(diagram), dtype=object), first


def feature(shape_km: BaseGeometry, origin: tuple[float, float], properties: dict[str, Any]) -> dict[str, Any]:
    """Return a shape in km around an origin (latitude and longitude in degrees) as a GeoJSON feature."""
    scale = np.array([KM_PER_DEGREE * math.cos(math.radians(origin[0])), KM_PER_DEGREE])

    def in_degrees(xy_km: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.round(xy_km / scale + np.array(origin[::-1]), DIGITS))

    label = shapely.transform(shapely.point_on_surface(shape_km), in_degrees)
    geometry = shapely.geometry.mapping(shapely.transform(shape_km, in_degrees))
    return {
        "type": "Feature",
        "properties": {**properties, "label": [float(label.x), float(label.y)]},
        "geometry": geometry,
    }
