"""Semantic IDs as a file that stages, and other projects, hand each other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lgsid.artefacts.codes import (
    check_sizes,
    code_columns,
    codes_of_columns,
    codes_of_index,
    level_columns,
    level_letter,
    sizes_of,
)
from lgsid.artefacts.columns import check_ids, to_ids
from lgsid.artefacts.files import read_json, write_text
from lgsid.artefacts.items import Items
from lgsid.artefacts.numbered_ids import NumberedIds
from lgsid.artefacts.sids_file import sids_file
from lgsid.artefacts.tables import open_parquet, read_metadata, table_html, to_frame, with_metadata, write_parquet
from lgsid.errors import LgsidError, located


@dataclass(frozen=True, repr=False)
class SemanticIDs:
    """The codes of every item, level by level.

    Args:
        item_ids: Shape (N,), Python strings, each once.
        codes: Shape (N, L), int64; `0 <= codes[:, l] < codebook_sizes[l]`.
        codebook_sizes: Number of codes of each level, length L.
        metadata: Plain values: tokenizer class and config, collision strategy, codes before it, data hash, version.
    """

    item_ids: npt.NDArray[np.object_]
    codes: npt.NDArray[np.int64]
    codebook_sizes: tuple[int, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = check_sizes(self.codebook_sizes, "semantic IDs")
        object.__setattr__(self, "codebook_sizes", sizes)
        shape = self.codes.shape
        if self.codes.ndim != 2 or shape != (len(self.item_ids), len(sizes)) or not len(self.item_ids):
            raise LgsidError(
                f"semantic IDs: {len(self.item_ids)} items and {len(sizes)} codebook sizes do not fit codes of {shape}"
            )
        check_ids(self.item_ids, "semantic IDs")
        outside = (self.codes < 0) | (self.codes >= np.array(sizes))
        if outside.any():
            row, level = np.argwhere(outside)[0]
            raise LgsidError(
                f"semantic IDs: item {self.item_ids[row]!r} has code {self.codes[row, level]} at level {level + 1},"
                f" which has codes 0..{sizes[level] - 1}"
            )
        index = pd.Index(self.item_ids)
        if not index.is_unique:
            raise LgsidError(f"semantic IDs: item_id {index[index.duplicated()][0]!r} occurs more than once")

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def n_levels(self) -> int:
        """Number of levels L."""
        return len(self.codebook_sizes)

    @cached_property
    def n_colliding(self) -> int:
        """Number of items whose semantic ID another item has too."""
        return int(pd.DataFrame(self.codes).duplicated(keep=False).sum())

    def __repr__(self) -> str:
        sizes = " x ".join(f"{size}" for size in self.codebook_sizes)
        kind = str(self.metadata.get("tokenizer", "")).rpartition(".")[2]
        told = f", {kind}" if kind else ""
        return f"SemanticIDs({len(self):,} items, {sizes} codes, {self.n_colliding:,} items collide{told})"

    def _repr_html_(self) -> str:
        return table_html(repr(self), self.to_frame().head())

    def to_frame(self) -> pd.DataFrame:
        """Return a table with columns `item_id, level_1 .. level_L`."""
        columns = {f"level_{level + 1}": self.codes[:, level] for level in range(self.n_levels)}
        return pd.DataFrame({"item_id": self.item_ids, **columns})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, codebook_sizes: Sequence[int] | None = None) -> SemanticIDs:
        """Build from a table with columns `item_id, level_1 .. level_L`.

        Args:
            frame: The table; further columns are left out.
            codebook_sizes: Number of codes of each level; the smallest that hold the codes if not given.

        Raises:
            LgsidError: if a column is missing, or the levels are not numbered 1..L.
        """
        levels = level_columns(frame.columns, "table of semantic IDs")
        if "item_id" not in frame.columns or not levels:
            raise LgsidError("table of semantic IDs: needs the columns item_id, level_1, level_2, ...")
        where = "table of semantic IDs"
        codes = codes_of_columns({name: frame[name] for name in levels}, where)
        ids = to_ids(frame["item_id"], f"{where}: column item_id").to_numpy(dtype=object)
        return cls(ids, codes, tuple(codebook_sizes or sizes_of(codes, where)))

    @classmethod
    def of(cls, given: str | Path | SemanticIDs, items: Items | None = None) -> SemanticIDs:
        """Return semantic IDs as they are, or read them from their file, see `read`."""
        return given if isinstance(given, SemanticIDs) else cls.read(given, items)

    @classmethod
    def read(cls, path: str | Path, items: Items | None = None) -> SemanticIDs:
        """Read a Parquet file with columns `item_id, level_1 .. level_L`, or an `.index.json`.

        Args:
            path: The file; by its ending `.json` an index is known. Of a folder, its `sids.parquet` or, where it is a
                root of generations, that of the current one.
            items: Used for an index only, see `read_index_json`.

        Raises:
            LgsidError: if it is missing, unreadable, or lacks a column.
        """
        path = sids_file(path)
        if path.suffix == ".json":
            return cls.read_index_json(path, items)
        table = open_parquet(path, ("item_id", "level_1"), "table of semantic IDs")
        names = level_columns(table.column_names, path)
        codes = codes_of_columns({name: table[name] for name in names}, path)
        ids = to_ids(to_frame(path, table.select(["item_id"]))["item_id"], f"{path}: column item_id")
        metadata = read_metadata(table, path)
        smallest = sizes_of(codes, path)
        sizes = check_sizes(metadata.pop("codebook_sizes", smallest), path)
        with located(path):
            return cls(ids.to_numpy(dtype=object), codes, sizes, metadata)

    def write(self, path: str | Path) -> None:
        """Write as Parquet with the metadata inside, atomically."""
        columns = {"item_id": pa.array(self.item_ids.tolist(), pa.string())}
        columns |= code_columns(self.codes)
        metadata = {**self.metadata, "codebook_sizes": list(self.codebook_sizes)}
        write_parquet(with_metadata(pa.table(columns), metadata), path)

    @classmethod
    def read_index_json(cls, path: str | Path, items: Items | None = None) -> SemanticIDs:
        """Read the `.index.json` of LC-Rec, LETTER and MiniOneRec: `{"item": ["<a_12>", "<b_3>", ...]}`.

        The number in each token is the code, its place in the list the level. Where the lists differ in length
        (a suffix for colliding items only), a missing level is code 0 and the codes of that level move up by one.

        Args:
            path: The file.
            items: The items that the keys name, by id or, where a key is no id, by row. Without it the keys are ids.

        Raises:
            LgsidError: if the file is no such index, or names an item that `items` does not have.
        """
        index = read_json(path)
        if not isinstance(index, dict) or not index:
            raise LgsidError(f'{path}: not an index of semantic IDs: expected {{"item": ["<a_12>", "<b_3>"]}}')
        keys = np.array(list(index), dtype=object)
        codes, ragged = codes_of_index(index, path)
        codes[:, np.array(ragged, dtype=np.int64) - 1] += 1
        ids = keys if items is None else items_of(path, keys, items)
        metadata = {"source": Path(path).name, "padded_levels": ragged}
        with located(path):
            return cls(ids, codes, sizes_of(codes, path), metadata)

    def write_index_json(self, path: str | Path) -> None:
        """Write the `.index.json` that LC-Rec, LETTER and MiniOneRec read, keyed by item id, atomically."""
        tokens = np.empty(self.codes.shape, dtype=object)  # the text of a code exists once, however many items have it
        for level in range(self.n_levels):
            used, at = np.unique(self.codes[:, level], return_inverse=True)
            texts = [f"<{level_letter(level)}_{code}>" for code in used.tolist()]
            tokens[:, level] = np.array(texts, dtype=object)[at.reshape(-1)]
        index = dict(zip(self.item_ids.tolist(), tokens.tolist(), strict=True))
        write_text(path, json.dumps(index, ensure_ascii=False) + "\n")

    def for_items(self, items: Items) -> npt.NDArray[np.int64]:
        """Return the codes in the order of `items`, shape (N, L).

        Raises:
            LgsidError: if an item has no semantic ID.
        """
        rows = NumberedIds(self.item_ids).numbers(items.ids)
        if (rows < 0).any():
            missing = items.ids[rows < 0]
            raise LgsidError(
                f"semantic IDs: none for {len(missing)} of {len(items)} items, first {missing[0]!r};"
                " were they made from this dataset?"
            )
        return np.asarray(self.codes[rows], dtype=np.int64)


def items_of(path: str | Path, keys: npt.NDArray[np.object_], items: Items) -> npt.NDArray[np.object_]:
    """Return the ids that the keys of an index stand for: item ids, else rows of the items table."""
    unknown = items.rows(keys) < 0
    if not unknown.any():
        return keys
    if all(re.fullmatch("0|[1-9][0-9]{0,17}", str(key)) and int(key) < len(items) for key in keys):
        return np.asarray(items.ids[np.array([int(key) for key in keys])], dtype=object)
    raise LgsidError(
        f"{path}: item {keys[unknown][0]!r} is neither an id nor a row of the items table ({len(items)} items);"
        " was the index made from this dataset?"
    )
