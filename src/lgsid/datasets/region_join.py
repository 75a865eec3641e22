"""Spatial join of points with administrative regions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt

from lgsid.datasets.polygon_layer import PolygonLayer
from lgsid.errors import LgsidError

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class RegionMatch:
    """Regions of N points, and how they were matched.

    Args:
        names: Region of each point, shape (N,); empty if no polygon is near enough.
        n_within: Number of points inside a polygon.
        n_nearest: Number of points outside, within the maximum distance of one.
        n_unmatched: Number of points without a region.
        farthest_m: Largest accepted distance to a polygon, in meters.
    """

    names: Texts
    n_within: int
    n_nearest: int
    n_unmatched: int
    farthest_m: float


@dataclass
class RegionJoin:
    """Assign each point the region whose polygon contains it, or the nearest one up to a distance.

    With several layers, the first that contains the point wins; only points in no polygon of any layer look for the
    nearest one, again in the order of the layers. So a precise layer goes before a coarse one that covers more.

    Args:
        name: Name of the region level, such as "borough".
        layers: Polygon layers, the most precise first.
        fallback: Whether points without a region get the name of their coarser region, so that the level has no gaps.
    """

    name: str
    layers: list[PolygonLayer]
    fallback: bool = True

    def match(
        self,
        lat_deg: npt.NDArray[np.float64],
        lon_deg: npt.NDArray[np.float64],
        root: Path | None = None,
        parents: Texts | None = None,
    ) -> RegionMatch:
        """Join N points with the polygons.

        Args:
            lat_deg: Shape (N,).
            lon_deg: Shape (N,).
            root: Folder in which relative paths of the layers are looked up.
            parents: Names of the points' coarser regions, shape (N,).

        Raises:
            LgsidError: if there is no layer, or one cannot be read.
        """
        if not self.layers:
            raise LgsidError(f"region level {self.name!r}: no polygon layers given")
        points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon_deg, lat_deg), crs="EPSG:4326")
        layers = [(layer, layer.load(root or Path())) for layer in self.layers]
        names: Texts = np.full(len(points), "", dtype=object)
        for _, polygons in layers:
            self._within(points, polygons, names)
        n_within = int((names != "").sum())
        farthest = 0.0
        for layer, polygons in layers:
            farthest = max(farthest, self._nearest(points, polygons, names, layer, parents))
        n_named = int((names != "").sum())
        n_nearest, n_unmatched = n_named - n_within, len(points) - n_named
        return RegionMatch(names, n_within, n_nearest, n_unmatched, farthest)

    @staticmethod
    def _within(points: geopandas.GeoDataFrame, polygons: geopandas.GeoDataFrame, names: Texts) -> None:
        todo = np.flatnonzero(names == "")
        if not len(todo):
            return
        joined = geopandas.sjoin(points.iloc[todo], polygons[["label", "geometry"]], predicate="within")
        joined = joined[~joined.index.duplicated()]  # on a shared border: the first polygon of the file
        names[joined.index.to_numpy()] = joined["label"].astype(object).to_numpy()

    @staticmethod
    def _nearest(
        points: geopandas.GeoDataFrame,
        polygons: geopandas.GeoDataFrame,
        names: Texts,
        layer: PolygonLayer,
        parents: Texts | None,
    ) -> float:
        todo = np.flatnonzero(names == "")
        if not len(todo) or layer.max_distance_m <= 0:
            return 0.0
        metric = points.estimate_utm_crs()
        left = points.iloc[todo].to_crs(metric)
        right = polygons[["label", "parent", "geometry"]].cx[slice(*_padded(points, 0)), slice(*_padded(points, 1))]
        if right.empty:
            return 0.0
        farthest = 0.0
        groups = [(todo, right)]
        if layer.parent and parents is not None:
            groups = [
                (todo[parents[todo] == name], part)
                for name, part in right.groupby("parent")
                if (parents[todo] == name).any()
            ]
        for rows, part in groups:
            joined = geopandas.sjoin_nearest(
                left.loc[rows], part.to_crs(metric), max_distance=layer.max_distance_m, distance_col="meters"
            )
            joined = joined[~joined.index.duplicated()]
            names[joined.index.to_numpy()] = joined["label"].astype(object).to_numpy()
            farthest = max(farthest, float(joined["meters"].max()) if len(joined) else 0.0)
        return farthest


def _padded(points: geopandas.GeoDataFrame, axis: int) -> tuple[float, float]:
    """Return the extent of the points along an axis, one degree wider: far polygons distort in a local CRS."""
    bounds = points.total_bounds
    return float(bounds[axis]) - 1.0, float(bounds[axis + 2]) + 1.0
