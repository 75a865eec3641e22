"""What changed from one generation to the next, one row for each place that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lgsid.artefacts.tables import open_parquet, write_parquet
from lgsid.generations.prefixes import Codes

APPENDED, RETURNED, RETIRED, MOVED, RENAMED, REASSIGNED, RECODED = (
    *("appended", "returned", "retired", "moved", "renamed", "reassigned", "recoded"),
)
COLUMNS = ("item_id", "kind", "old_sid", "new_sid", "km")


@dataclass(frozen=True)
class Delta:
    """The places that changed.

    Args:
        table: Columns `item_id`; `kind`, one of appended, returned (it had been retired and has its semantic ID again),
            retired, moved (another position, the same semantic ID), renamed (another text only), reassigned (it moved
            or was renamed and has a new semantic ID), recoded (by another tokenizer); `old_sid` and `new_sid`, lists
            of codes, null where there is none; `km` between the two positions, null where one is not known.
    """

    table: pa.Table

    @classmethod
    def of(
        cls,
        item_ids: pa.Array,
        kinds: Sequence[str] | str,
        old: Codes | None,
        new: Codes | None,
        km: npt.NDArray[np.float64] | None = None,
    ) -> Delta:
        """Build from the ids of n places, a kind for each or for all, codes `(n, L)` and kilometers `(n,)`."""
        listed = pa.array([kinds] * len(item_ids) if isinstance(kinds, str) else list(kinds), pa.string())
        far = np.full(len(item_ids), np.nan) if km is None else km
        columns = [item_ids, listed, sid_column(old, len(item_ids)), sid_column(new, len(item_ids))]
        return cls(pa.table([*columns, pa.array(far, mask=np.isnan(far))], names=list(COLUMNS)))

    def __len__(self) -> int:
        """Return the number of places that changed."""
        return int(self.table.num_rows)

    @property
    def counts(self) -> dict[str, int]:
        """Kind -> number of places, of the kinds that occur."""
        found = pc.value_counts(self.table["kind"].combine_chunks()).to_pylist()
        return {row["values"]: row["counts"] for row in sorted(found, key=lambda row: str(row["values"]))}

    def write(self, path: Path) -> None:
        """Write as Parquet, atomically."""
        write_parquet(self.table, path)

    @classmethod
    def read(cls, path: Path) -> Delta:
        """Read a file that `write` wrote.

        Raises:
            LgsidError: if it is missing, damaged or no such file.
        """
        return cls(open_parquet(path, COLUMNS, "delta table"))


def sid_column(codes: Codes | None, rows: int) -> pa.Array:
    """Return codes `(n, L)` as a column of lists; nulls where there are none."""
    if codes is None or not codes.size:
        return pa.nulls(rows, pa.list_(pa.int64()))
    offsets = np.arange(0, codes.size + 1, codes.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(codes).reshape(-1)))
