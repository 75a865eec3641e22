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
import pyarrow.compute as pc

from lgsid.artefacts.columns import bad_rows, check_ids, rows_text, to_ids, to_numbers
from lgsid.artefacts.items import Items
from lgsid.artefacts.numbered_ids import NumberedIds
from lgsid.artefacts.tables import open_parquet, read_metadata, table_html, to_frame, with_metadata, write_parquet
from lgsid.errors import LgsidError, located


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
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.item_ids) or not self.vectors.size:
            raise LgsidError(f"embeddings: {len(self.item_ids)} item ids but vectors of shape {self.vectors.shape}")
        finite = np.isfinite(self.vectors).all(axis=1)
        if not finite.all():
            item = self.item_ids[~finite][0]
            raise LgsidError(
                f"embeddings: some values are not finite, first of item {item!r} ({rows_text(bad_rows(~finite))}); "
                "the encoder diverged, lower its learning rate"
            )
        check_ids(self.item_ids, "embeddings")
        index = pd.Index(self.item_ids)
        if not index.is_unique:
            raise LgsidError(f"embeddings: item_id {index[index.duplicated()][0]!r} occurs more than once")

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
        ids = to_ids(table.index.to_series().reset_index(drop=True), "embeddings: item ids").to_numpy(dtype=object)
        columns = [to_numbers(table[name], f"embeddings: column {name}") for name in table.columns]
        if not columns:
            raise LgsidError("embeddings: the table has no columns of numbers")
        return cls(ids, np.stack(columns, axis=1).astype(np.float32))

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
        ids = to_ids(to_frame(path, table.select(["item_id"]))["item_id"], f"{path}: column item_id")
        vectors = vectors_of_column(table["vector"], f"{path}: column vector")
        with located(path):
            return cls(ids.to_numpy(dtype=object), vectors, read_metadata(table, path))

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
        rows = NumberedIds(self.item_ids).numbers(items.ids)
        if (rows < 0).any():
            missing = items.ids[rows < 0]
            raise LgsidError(f"embeddings: no vector for {len(missing)} of {len(items)} items, first {missing[0]!r}")
        return self.vectors[rows]


def vectors_of_column(column: pa.ChunkedArray, where: str) -> npt.NDArray[np.float32]:
    """Return a column of lists of numbers, all of one length, as vectors of shape (N, D).

    Raises:
        LgsidError: if the column holds something else, or a vector is missing, empty or of another length; names its
            data row.
    """
    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise LgsidError(f"{where}: expected lists of numbers, one vector per row; these are {kind}")
    if not len(column):
        raise LgsidError(f"{where}: the table has no rows")
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    wrong = (lengths != lengths[0]) | (lengths == 0)
    if wrong.any():
        rows, found = bad_rows(wrong), int(lengths[wrong][0])
        raise LgsidError(
            f"{where}: {rows_text(rows)}: {found} values, but {max(1, int(lengths[0]))} in the first row; every row "
            "needs a vector of the same length"
        )
    flats = [chunk.flatten() for chunk in column.chunks]
    if any(flat.null_count for flat in flats):
        is_null = np.concatenate([flat.is_null().to_numpy(zero_copy_only=False) for flat in flats])
        missing = is_null.reshape(len(column), -1).any(axis=1)
        raise LgsidError(f"{where}: {rows_text(bad_rows(missing))}: a value is missing")
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused as such
        parts = [flat.to_numpy(zero_copy_only=False).astype(np.float32, copy=False) for flat in flats]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)  # one chunk of float32 is not copied
    return np.asarray(values.reshape(len(column), -1))
