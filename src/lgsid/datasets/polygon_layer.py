"""A file of named polygons."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import geopandas
import pandas as pd

from lgsid.errors import LgsidError

FIELD = re.compile(r"\{([^{}]+)\}")


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
        remove: Regular expression; matches are removed from the labels.
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
            LgsidError: if the file is missing or unreadable, lacks a column, or has no coordinate reference system.
        """
        frame = self.frame if self.frame is not None else self._read(root)
        where = self.path or "polygons"
        wanted = FIELD.findall(self.label) or [self.label]
        missing = [c for c in [*wanted, *([self.parent] if self.parent else [])] if c not in frame.columns]
        if missing:
            known = ", ".join(str(c) for c in frame.columns if c != "geometry")
            raise LgsidError(f"{where}: missing column {', '.join(missing)}; the polygons have {known}")
        if frame.crs is None:
            raise LgsidError(f"{where}: the polygons have no coordinate reference system; save them as GeoJSON")
        labels = self._labels(frame, wanted)
        parents = frame[self.parent].fillna("").astype(str).to_numpy() if self.parent else ""
        out = geopandas.GeoDataFrame(
            {"label": labels, "parent": parents}, geometry=frame.geometry.to_numpy(), crs=frame.crs
        )
        return out.to_crs("EPSG:4326")

    def _labels(self, frame: geopandas.GeoDataFrame, wanted: list[str]) -> list[str]:
        texts = {c: frame[c].fillna("").astype(str).str.strip().tolist() for c in wanted}
        if FIELD.search(self.label):
            labels = [FIELD.sub(lambda m, i=i: texts[m[1]][i], self.label) for i in range(len(frame))]  # type: ignore[misc]
        else:
            labels = texts[self.label]
        if self.remove:
            labels = [re.sub(self.remove, "", label).strip() for label in labels]
        return [self.rename.get(label, label) for label in labels]

    def file(self, root: Path) -> Path | None:
        """Return the file that `load` reads, None if the polygons were given."""
        return None if self.frame is not None else root / self.path.partition("!")[0]

    def _read(self, root: Path) -> geopandas.GeoDataFrame:
        path, _, inner = self.path.partition("!")
        file = root / path
        if not file.is_file():
            raise LgsidError(f"{file}: no such file (region polygons); correct `path` or leave the regions out")
        options = {"encoding": self.encoding} if self.encoding else {}
        try:
            if file.suffix == ".parquet":
                return geopandas.read_parquet(file)
            if file.suffix == ".gz":
                return geopandas.read_file(io.BytesIO(gzip.decompress(file.read_bytes())), **options)
            source = f"zip://{file.resolve()}!{inner}" if inner else file
            return geopandas.read_file(source, **options)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise LgsidError(f"{file}: the gzip file is truncated or broken; download or copy it again") from error
        except (ValueError, OSError, RuntimeError, pd.errors.ParserError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise LgsidError(f"{self.path}: not readable as polygons ({reason})") from error
