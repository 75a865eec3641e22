"""Vectors of items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lgsid.artefacts.items import Items
from lgsid.artefacts.tables import open_parquet, read_metadata, table_html, with_metadata, write_parquet
from lgsid.errors import LgsidError


@dataclass(frozen=True, repr=False)
class Embeddings:
    """One vector per item, and where it comes from.

    Args:
        item_ids: Shape (N,), Python strings.
        vectors: Shape (N, D), float32.
        metadata: Plain values: encoder, adapter hash, prompt template.
    """

    item_ids: npt.NDArray[np.object_]
    vectors: npt.NDArray[np.float32]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.item_ids):
            raise LgsidError(f"embeddings: {len(self.item_ids)} item ids but vectors of shape {self.vectors.shape}")
        if not np.isfinite(self.vectors).all():
            raise LgsidError("embeddings: some values are not finite; the encoder diverged, lower its learning rate")

    def __len__(self) -> int:
        return len(self.item_ids)

    def __repr__(self) -> str:
        return f"Embeddings({len(self):,} items, vectors of width {self.vectors.shape[1]:,})"

    def _repr_html_(self) -> str:
        frame = Embeddings(self.item_ids[:5], self.vectors[:5, :8]).to_frame().reset_index()
        return table_html(repr(self), frame.assign(**{"...": ""}) if self.vectors.shape[1] > 8 else frame)

    def to_frame(self) -> pd.DataFrame:
        """Return the vectors as a table: index `item_id`, columns 0 .. D-1."""
        return pd.DataFrame(self.vectors, index=pd.Index(self.item_ids, name="item_id"))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Embeddings:
        """Build from a table of numbers whose index, or column `item_id`, holds the item ids.

        Raises:
            LgsidError: if a column is not of numbers.
        """
        table = frame.set_index("item_id") if "item_id" in frame.columns else frame
        try:
            vectors = table.to_numpy(dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise LgsidError(f"embeddings: a column of the table is not of numbers ({error})") from error
        return cls(table.index.astype(str).to_numpy(dtype=object), vectors)

    @classmethod
    def of(cls, given: str | Path | Embeddings) -> Embeddings:
        """Return embeddings as they are, or read them from their file, see `read`."""
        return given if isinstance(given, Embeddings) else cls.read(given)

    @classmethod
    def read(cls, path: str | Path) -> Embeddings:
        """Read a Parquet file with columns `item_id` and `vector`.

        Raises:
            LgsidError: if it is missing, unreadable, lacks a column, or its vectors differ in length.
        """
        table = open_parquet(path, ("item_id", "vector"), "embeddings table")
        column = table["vector"].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks)
        values = np.asarray(column.flatten(), dtype=np.float32)
        if len(table) == 0 or values.size % len(table):
            raise LgsidError(f"{path}: column vector: every row must hold the same number of values")
        ids = np.array(table["item_id"].to_pylist(), dtype=object)
        return cls(ids, values.reshape(len(table), -1), read_metadata(table))

    def write(self, path: str | Path) -> None:
        """Write as Parquet with the metadata inside, atomically."""
        flat = pa.array(np.ascontiguousarray(self.vectors, dtype=np.float32).reshape(-1))
        table = pa.table(
            {
                "item_id": pa.array(self.item_ids.tolist(), pa.string()),
                "vector": pa.FixedSizeListArray.from_arrays(flat, self.vectors.shape[1]),
            }
        )
        write_parquet(with_metadata(table, self.metadata), path)

    def for_items(self, items: Items) -> npt.NDArray[np.float32]:
        """Return the vectors in the order of `items`, shape (N, D).

        Raises:
            LgsidError: if an item has no vector.
        """
        rows = pd.Index(self.item_ids).get_indexer(pd.Index(items.ids))
        if (rows < 0).any():
            missing = items.ids[rows < 0]
            raise LgsidError(f"embeddings: no vector for {len(missing)} of {len(items)} items, first {missing[0]!r}")
        return self.vectors[rows]
