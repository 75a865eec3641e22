"""Every place that was ever published, in the order of its row, and every semantic ID that was ever given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.generations.prefixes import Codes
from lgsid.generations.relabeling import Relabeling

TEXTS = ("name", "category", "category_group", "brand")
POSITION = ("lat", "lon")
GIVEN_AT = ("sid_lat", "sid_lon")  # where the place was when it got its semantic ID
SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        *((name, pa.float64()) for name in (*POSITION, *GIVEN_AT)),
        *((name, pa.string()) for name in TEXTS),
    ]
)
TOLD = ("tokenizer", "config", "collision_strategy", "lgsid_version")  # metadata that hold for appended places, too
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Register:
    """The places of a generation and their semantic IDs.

    A place keeps its row and its semantic ID when it is retired; new places go behind. So row n of an earlier
    generation is row n of every later one, and a model that knows places by their row knows them still.

    Args:
        places: N places, columns `item_id`, `lat` and `lon` (degrees, NaN where unknown), `sid_lat` and `sid_lon`
            (where the place was when it got its semantic ID), `name, category, category_group, brand`.
        retired: (N,) whether the place is closed.
        codes: (N, L) its semantic ID.
        codebook_sizes: Number of codes of each level, length L.
        left_rows: (V,) rows of places that have another semantic ID now.
        left_codes: (V, L) the semantic IDs that they left, which nobody else gets.
        relabeling: Leads from the codes of the tokenizer to those of semantic IDs.
        metadata: Of the semantic IDs.
    """

    places: pa.Table
    retired: Mask
    codes: Codes
    codebook_sizes: tuple[int, ...]
    left_rows: Rows
    left_codes: Codes
    relabeling: Relabeling = field(default_factory=Relabeling)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Items, sids: SemanticIDs) -> Register:
        """Return the register of places that are all open, in the order of `items`.

        Raises:
            LgsidError: if the semantic IDs are not those of these items, or two places share one.
        """
        codes = sids.for_items(items)
        if len(sids) > len(items):
            raise LgsidError(
                f"semantic IDs: {len(sids):,} places, but the items table has {len(items):,}; give the items that they"
                " were made for"
            )
        found = cls(
            places_of(items),
            np.zeros(len(items), dtype=bool),
            codes,
            sids.codebook_sizes,
            np.zeros(0, dtype=np.int64),
            codes[:0],
            metadata={name: sids.metadata[name] for name in TOLD if name in sids.metadata},
        )
        found.check_unique(sids)
        return found

    @staticmethod
    def check_unique(sids: SemanticIDs) -> None:
        """Refuse semantic IDs that several places share.

        Raises:
            LgsidError: if there are any.
        """
        if sids.n_colliding:
            raise LgsidError(
                f"semantic IDs: {sids.n_colliding:,} of {len(sids):,} places share theirs with another; a published one"
                " belongs to one place: tokenize with NearestFreeCode or CounterSuffix"
            )

    def __len__(self) -> int:
        """Return the number of places, N."""
        return len(self.codes)

    @cached_property
    def ids(self) -> pa.Array:
        """Ids of the places, (N,)."""
        return as_array(self.places["item_id"])

    @property
    def taken(self) -> Codes:
        """Every semantic ID that nobody else may get, (N + V, L)."""
        return np.concatenate([self.codes, self.left_codes])

    def rows(self, item_ids: pa.Array) -> Rows:
        """Return the rows of places by their ids, -1 for ids that were never published, (n,)."""
        found = pc.fill_null(pc.index_in(item_ids, value_set=self.ids), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    def known_rows(self, item_ids: pa.Array, hint: str) -> Rows:
        """Return the rows of places by their ids, (n,).

        Raises:
            LgsidError: if one was never published; the message ends in `hint`.
        """
        rows = self.rows(item_ids)
        if (rows < 0).any():
            first = item_ids[int(np.flatnonzero(rows < 0)[0])].as_py()
            raise LgsidError(
                f"{int((rows < 0).sum()):,} of {len(rows):,} places are not published, first {first!r}; {hint}"
            )
        return rows

    def semantic_ids(self) -> SemanticIDs:
        """Return the semantic IDs of all places, retired ones too, in the order of rows."""
        ids = np.array(self.ids.to_pylist(), dtype=object)
        return SemanticIDs(ids, self.codes, self.codebook_sizes, self.metadata)

    def appended(self, places: pa.Table, codes: Codes, codebook_sizes: tuple[int, ...]) -> Register:
        """Return the register with n more places behind the others, with codes (n, L)."""
        sizes = tuple(max(pair) for pair in zip(self.codebook_sizes, codebook_sizes, strict=True))
        return replace(
            self,
            places=pa.concat_tables([self.places, places]),
            retired=np.concatenate([self.retired, np.zeros(len(codes), dtype=bool)]),
            codes=np.concatenate([self.codes, codes]),
            codebook_sizes=sizes,
        )

    def with_retired(self, rows: Rows, retired: bool) -> Register:
        """Return the register with the places of some rows closed, or open again."""
        changed = self.retired.copy()
        changed[rows] = retired
        return replace(self, retired=changed)

    def with_places(self, rows: Rows, places: pa.Table) -> Register:
        """Return the register with other positions and texts at some rows, (n,)."""
        source = np.arange(len(self))
        source[rows] = len(self) + np.arange(len(rows))
        taken = pa.concat_tables([self.places, places]).take(pa.array(source))
        return replace(self, places=with_columns(taken, {name: self.places[name] for name in GIVEN_AT}))

    def with_codes(self, rows: Rows, codes: Codes, codebook_sizes: tuple[int, ...]) -> Register:
        """Return the register with new semantic IDs (n, L) at some rows; nobody else gets those that they had."""
        changed, here = self.codes.copy(), np.zeros(len(self), dtype=bool)
        changed[rows], here[rows] = codes, True
        given_at = {
            at: pc.if_else(pa.array(here), self.places[now], self.places[at])
            for at, now in zip(GIVEN_AT, POSITION, strict=True)
        }
        left_rows = np.concatenate([self.left_rows, rows])
        left_codes = np.concatenate([self.left_codes, self.codes[rows]])
        again = (left_codes == changed[left_rows]).all(axis=1)  # who comes back to a semantic ID has not left it
        sizes = tuple(max(pair) for pair in zip(self.codebook_sizes, codebook_sizes, strict=True))
        return replace(
            self,
            places=with_columns(self.places, given_at),
            codes=changed,
            codebook_sizes=sizes,
            left_rows=left_rows[~again],
            left_codes=left_codes[~again],
        )


def places_of(items: Items) -> pa.Table:
    """Return what a register keeps of items."""
    position = [pa.array(values) for values in (items.lat_deg, items.lon_deg)]
    columns = [pa.array(items.ids, pa.string()), *position, *position]
    return pa.table([*columns, *(pa.array(items.texts(name), pa.string()) for name in TEXTS)], schema=SCHEMA)


def with_columns(table: pa.Table, columns: Mapping[str, pa.ChunkedArray]) -> pa.Table:
    """Return a table with other values in some columns."""
    return pa.table({name: columns.get(name, table[name]) for name in table.column_names})


def as_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def moved(old: pa.Table, new: pa.Table) -> Mask:
    """Return which of n places have another position, (n,); two that are not known are the same."""
    return np.asarray(np.logical_or.reduce([~same_numbers(old[name], new[name]) for name in POSITION]))


def renamed(old: pa.Table, new: pa.Table) -> Mask:
    """Return which of n places have another name, category, group or brand, (n,)."""
    return np.asarray(
        np.logical_or.reduce([np.asarray(pc.not_equal(old[name], new[name]), dtype=bool) for name in TEXTS])
    )


def same_numbers(old: pa.ChunkedArray, new: pa.ChunkedArray) -> Mask:
    """Return where two columns hold the same number, or both none."""
    one, other = old.to_numpy(), new.to_numpy()
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))
