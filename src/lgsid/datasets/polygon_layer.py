"""A file of named polygons."""

from __future__ import annotations

import gzip
import io
import math
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import geopandas
import pyarrow as pa
import pyarrow.compute as pc
from pyproj.exceptions import ProjError
from shapely.errors import ShapelyError

from lgsid.artefacts.columns import bad_rows, rows_text
from lgsid.artefacts.delimited import check_encoding
from lgsid.errors import LgsidError

FIELD = re.compile(r"\{([^{}]+)\}")


@contextmanager
def quiet_gdal() -> Iterator[None]:
    """Leave out GDAL's warnings about shapes, which `check_polygons` refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@dataclass
class PolygonLayer:
    """A file of named polygons for a region join.

    Args:
        path: Any file geopandas reads, gzipped too; `archive.zip!layer` for a file inside an archive. A relative path
            is looked up in the root of the source, one with `./` or `../` beside the config file.
        label: Column with the region's name, or a template over columns: `"{NAME} County"`. Polygons with the
            same label are one region.
        parent: Column with the name of the coarser region. If given, a polygon only takes a point that lies beside
            it when the point's coarser region has that name.
        max_distance_m: Maximum distance in meters of a point from its nearest polygon.
        rename: Replacements of labels.
        remove: Regular expression in the syntax of RE2; matches are removed from the labels.
        encoding: Encoding of the attribute table; null for the one that the file states.
    """

    path: str = ""
    label: str = "name"
    parent: str | None = None
    max_distance_m: float = 500.0
    rename: dict[str, str] = field(default_factory=dict)
    remove: str | None = None
    encoding: str | None = None
    frame: geopandas.GeoDataFrame | None = field(default=None, init=False, repr=False)

    def check_options(self) -> None:
        """Raise if an option cannot be; when the layer is read, so that a config is not refused as a whole."""
        texts = {"path": self.path, "label": self.label, "parent": self.parent, "encoding": self.encoding}
        for name, value in texts.items():
            if value is not None and not isinstance(value, str):
                raise LgsidError(f"region layer {self.path!r}: {name} {value!r} is not a text")
        if not self.label:
            raise LgsidError(f"region layer {self.path!r}: label is empty; name the column with the regions' names")
        if not isinstance(self.max_distance_m, (int, float)) or not 0 <= self.max_distance_m < math.inf:
            found = f"max_distance_m {self.max_distance_m!r}"
            raise LgsidError(f"region layer {self.path!r}: {found} is not a distance in meters, 0 or more")
        if not all(isinstance(text, str) for pair in self.rename.items() for text in pair):
            raise LgsidError(f"region layer {self.path!r}: rename {self.rename!r} must lead from texts to texts")
        self._removed(["label"])

    @classmethod
    def from_frame(
        cls, frame: geopandas.GeoDataFrame, label: str = "name", max_distance_m: float = 500.0
    ) -> PolygonLayer:
        """Make a layer of polygons in memory."""
        layer = cls(label=label, max_distance_m=max_distance_m)
        layer.frame = frame
        return layer

    def load(self, root: Path) -> geopandas.GeoDataFrame:
        """Read the polygons.

        Returns:
            A frame in EPSG:4326 with the columns `label`, `parent` (empty if there is none) and the geometry.

        Raises:
            LgsidError: if the file is missing or unreadable, lacks a column, has no coordinate reference system, or
                holds something else than polygons.
        """
        self.check_options()
        frame = self.frame if self.frame is not None else self._read(root)
        where = self.path or "polygons"
        wanted = FIELD.findall(self.label) or [self.label]
        missing = [c for c in [*wanted, *([self.parent] if self.parent else [])] if c not in frame.columns]
        if missing:
            known = ", ".join(str(c) for c in frame.columns if c != "geometry")
            raise LgsidError(f"{where}: missing column {', '.join(missing)}; the polygons have {known}")
        if frame.crs is None:
            raise LgsidError(f"{where}: the polygons have no coordinate reference system; save them as GeoJSON")
        check_polygons(frame.geometry, where)
        labels = self._labels(frame, wanted)
        parents = frame[self.parent].fillna("").astype(str).to_numpy() if self.parent else ""
        out = geopandas.GeoDataFrame(
            {"label": labels, "parent": parents}, geometry=frame.geometry.to_numpy(), crs=frame.crs
        )
        try:
            return out.to_crs("EPSG:4326")
        except (ProjError, ValueError) as error:
            raise LgsidError(f"{where}: coordinate reference system {frame.crs.name!r}: {error}") from error

    def _labels(self, frame: geopandas.GeoDataFrame, wanted: list[str]) -> list[str]:
        texts = {c: frame[c].fillna("").astype(str).str.strip().tolist() for c in wanted}
        if FIELD.search(self.label):
            labels = [FIELD.sub(lambda m, i=i: texts[m[1]][i], self.label) for i in range(len(frame))]  # type: ignore[misc]
        else:
            labels = texts[self.label]
        return [self.rename.get(label, label) for label in self._removed(labels)]

    def _removed(self, labels: list[str]) -> list[str]:
        """Remove what matches; by RE2, which takes linear time for every expression."""
        if not self.remove:
            return labels
        try:
            kept = pc.replace_substring_regex(pa.array(labels, pa.string()), pattern=self.remove, replacement="")
        except (pa.ArrowException, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise LgsidError(f"region layer {self.path!r}: remove {self.remove!r}: {reason}") from error
        return [label.strip() for label in kept.to_pylist()]

    def file(self, root: Path) -> Path | None:
        """Return the file that `load` reads, None if the polygons were given."""
        return None if self.frame is not None else root / self.path.partition("!")[0]

    @quiet_gdal()
    def _read(self, root: Path) -> geopandas.GeoDataFrame:
        path, _, inner = self.path.partition("!")
        file = root / path
        if not file.is_file():
            raise LgsidError(f"{file}: no such file (region polygons); correct `path` or leave the regions out")
        options = {"encoding": self.encoding} if self.encoding else {}
        if self.encoding:
            check_encoding(self.encoding, file)
        try:
            if file.suffix == ".parquet":
                return geopandas.read_parquet(file)
            if file.suffix == ".gz":
                return geopandas.read_file(io.BytesIO(gzip.decompress(file.read_bytes())), **options)
            source = f"zip://{file.resolve()}!{inner}" if inner else file
            return geopandas.read_file(source, **options)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise LgsidError(f"{file}: the gzip file is truncated or broken; download or copy it again") from error
        except (ValueError, OSError, RuntimeError, LookupError, pa.ArrowException, ShapelyError, ProjError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise LgsidError(f"{self.path}: not readable as polygons ({reason})") from error


def check_polygons(shapes: geopandas.GeoSeries, where: str) -> None:
    """Raise if there are no polygons, one is missing, empty or something else, or degrees are out of range.

    Raises:
        LgsidError: names the data rows.
    """
    if shapes.empty:
        raise LgsidError(f"{where}: there are no polygons in it")
    for wrong, why in (
        (shapes.isna() | shapes.is_empty, "no geometry; remove the row"),
        (~shapes.geom_type.isin(["Polygon", "MultiPolygon"]), "not a polygon; regions are polygons"),
    ):
        if wrong.any():
            raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: {why}")
    if shapes.crs.is_geographic:
        bounds = shapes.bounds
        inside = bounds[["minx", "maxx"]].abs().le(360).all(axis=1) & bounds[["miny", "maxy"]].abs().le(90).all(axis=1)
        if not inside.all():
            raise LgsidError(
                f"{where}: {rows_text(bad_rows(~inside))}: coordinates are no degrees of longitude and latitude; are "
                "they exchanged, or in another coordinate reference system than the file states?"
            )
