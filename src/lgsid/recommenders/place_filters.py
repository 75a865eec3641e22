"""Which places a live recommendation may name: constraints that hold exactly, whatever the model thinks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import shapely
import shapely.geometry
from shapely.geometry.base import BaseGeometry

from lgsid.artefacts.items import Items
from lgsid.errors import LgsidError
from lgsid.plugins import suggestion

Mask = npt.NDArray[np.bool_]


class PlaceFilter(ABC):
    """A constraint on the places of a recommendation, the same for every user.

    What changes with the day (open now, in stock) comes in as a list of ids: `Among`.
    """

    @abstractmethod
    def allowed(self, items: Items) -> Mask:
        """Return which items pass, shape (N,).

        Raises:
            LgsidError: if it names what the items do not have.
        """

    @abstractmethod
    def __str__(self) -> str:
        """Return what it asks for, in a few words."""


class OfCategories(PlaceFilter):
    """Places of some categories or groups of categories.

    Args:
        names: As the dataset writes them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def allowed(self, items: Items) -> Mask:
        """Return which items have one of the names as category or group."""
        return any_of(self.names, items, ["category", "category_group"], "category")

    def __str__(self) -> str:
        """Return the names."""
        return f"category {' or '.join(self.names)}"


class InRegions(PlaceFilter):
    """Places in some regions, of any level.

    Args:
        names: As the dataset writes them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def allowed(self, items: Items) -> Mask:
        """Return which items lie in one of the regions."""
        return any_of(self.names, items, items.region_columns, "region")

    def __str__(self) -> str:
        """Return the names."""
        return f"region {' or '.join(self.names)}"


class OpenPlaces(PlaceFilter):
    """Places that are open, of a table that is known before anybody asks.

    Args:
        is_open: Which items are, shape (N,).
    """

    def __init__(self, is_open: Mask) -> None:
        self.is_open = is_open

    def allowed(self, items: Items) -> Mask:
        """Return which items are open."""
        return self.is_open

    def __str__(self) -> str:
        """Return what it asks for."""
        return "open places"


class Among(PlaceFilter):
    """Places of a list: those that are open, have the thing in stock, or take part.

    Args:
        item_ids: Their ids. Ids that the dataset does not have are of places that the model does not know.
    """

    def __init__(self, item_ids: Sequence[str]) -> None:
        self.item_ids = [str(item) for item in item_ids]

    @classmethod
    def of_file(cls, path: str | Path) -> Among:
        """Read ids from a text file, one on each line.

        Raises:
            LgsidError: if the file cannot be read or holds no id.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise LgsidError(f"{path}: cannot be read as text; give a file with one item id on each line") from error
        ids = [line.strip() for line in lines if line.strip()]
        if not ids:
            raise LgsidError(f"{path}: no item id in it; write one on each line")
        return cls(ids)

    def allowed(self, items: Items) -> Mask:
        """Return which items are in the list."""
        rows = items.rows(self.item_ids)
        found = np.zeros(len(items), dtype=bool)
        found[rows[rows >= 0]] = True
        return found

    def __str__(self) -> str:
        """Return how many there are."""
        return f"the list of {len(self.item_ids)} ids"


class InPolygon(PlaceFilter):
    """Places inside an area, its border included.

    Args:
        area: A polygon or several, in degrees (longitude, latitude).
    """

    def __init__(self, area: BaseGeometry) -> None:
        self.area = area

    @classmethod
    def of_file(cls, path: str | Path) -> InPolygon:
        """Read the area from a GeoJSON, GeoPackage or Shapefile: all polygons in it.

        Raises:
            LgsidError: if the file cannot be read or holds no polygon.
        """
        if not Path(path).is_file():
            raise LgsidError(f"{path}: no such file; give a GeoJSON with the area")
        try:
            frame = geopandas.read_file(path)
        except Exception as error:  # pyogrio raises what its driver says
            raise LgsidError(f"{path}: cannot be read as GeoJSON or another vector file") from error
        shapes = frame.geometry if frame.crs is None else frame.geometry.to_crs(4326)
        area = shapely.union_all([shape for shape in shapes if shape is not None and shape.area > 0])
        if area.is_empty:
            raise LgsidError(f"{path}: no polygon in it; an area needs one")
        return cls(area)

    @classmethod
    def of_geojson(cls, content: Mapping[str, Any]) -> InPolygon:
        """Read the area from GeoJSON that is parsed already: a geometry, a feature or several, all polygons in it.

        Raises:
            LgsidError: if it is something else, or holds no polygon.
        """
        parts = content.get("features", [content])
        try:
            shapes = [shapely.geometry.shape(part.get("geometry", part)) for part in parts]
            area = shapely.make_valid(shapely.union_all([shapely.make_valid(s) for s in shapes if s.area > 0]))
            bounds = area.bounds
        except Exception as error:  # shapely raises what it stumbles over
            raise LgsidError("area: not GeoJSON with polygons in degrees (longitude, latitude)") from error
        if area.is_empty or not np.isfinite(bounds).all():
            raise LgsidError("area: no polygon in it; an area needs one")
        return cls(area)

    def allowed(self, items: Items) -> Mask:
        """Return which items lie in the area."""
        return np.asarray(shapely.intersects_xy(self.area, items.lon_deg, items.lat_deg))

    def __str__(self) -> str:
        """Return the corners of the box around it."""
        west, south, east, north = self.area.bounds
        return f"the area within {south:.4f},{west:.4f} and {north:.4f},{east:.4f}"


def any_of(names: Sequence[str], items: Items, columns: Sequence[str], kind: str) -> Mask:
    """Return which items have one of the names in one of the columns, shape (N,).

    Raises:
        LgsidError: if no item has a name, naming what is like it.
    """
    coded = [items.codes(column) for column in columns]
    known = {value for _, vocabulary in coded for value in vocabulary} - {""}
    wanted = set(names)
    for name in names:
        if name not in known:
            raise LgsidError(f"{kind} {name!r} is not in the dataset; {suggestion(name, known)}")
    found = np.zeros(len(items), dtype=bool)
    for codes, vocabulary in coded:
        found |= np.isin(codes, [code for code, value in enumerate(vocabulary) if value in wanted])
    return found
