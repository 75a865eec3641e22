"""The stored negatives of the click-through task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.items import Items
from lgsid.artefacts.tables import open_parquet, read_metadata, with_metadata, write_parquet
from lgsid.datamodules.negatives import NegativeSampler, PopularityNegatives
from lgsid.errors import LgsidError

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SAMPLER = "sampler"  # key of the metadata


@dataclass(frozen=True)
class CTRCandidates:
    """Negatives of each check-in, sampled once and the same for every model.

    Args:
        row: Shape (Q,), rows of the log, rising.
        negative: Shape (Q, K), item rows, never the positive.
        near: Shape (Q, K), which of them were drawn near the user's last place.
        metadata: Plain values: class and arguments of the sampler, seed, data hash.
    """

    row: IntArray
    negative: IntArray
    near: BoolArray
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def draw(
        cls, log: CheckInLog, items: Items, sampler: NegativeSampler, seed: int = 0, data_hash: str = ""
    ) -> CTRCandidates:
        """Draw the negatives of every check-in of the log.

        Args:
            log: M check-ins.
            items: N places.
            sampler: What draws them.
            seed: Random seed.
            data_hash: Hash of the dataset, to be stored with them.

        Raises:
            LgsidError: if there are fewer than two items.
        """
        if len(items) < 2:
            raise LgsidError("CTR candidates: a negative needs at least two items")
        negative, near = sampler.draw(log, items, np.random.default_rng(seed))
        metadata = {SAMPLER: sampler.record(), "seed": seed, "data_hash": data_hash}
        return cls(np.arange(len(log)), negative, near, metadata)

    def drawn_with(self) -> dict[str, Any]:
        """Return the sampler, its arguments and the seed that negatives were drawn with.

        A file that names no sampler is from before there were several: its negatives were drawn by popularity.
        """
        kept = dict(self.metadata)
        if SAMPLER not in kept and "near_km" in kept:
            kept[SAMPLER] = PopularityNegatives(float(kept["near_km"])).record()
        return {key: kept.get(key) for key in (SAMPLER, "seed")}

    def check_data(self, data_hash: str, n_items: int, where: str | Path) -> None:
        """Refuse negatives of other data.

        Args:
            data_hash: Hash of the dataset.
            n_items: Number of its places.
            where: Name of the file, for the message.

        Raises:
            LgsidError: if they belong to another dataset.
        """
        fits = self.negative.size == 0 or self.negative.max() < n_items
        if self.metadata.get("data_hash", "") != data_hash or not fits:
            raise LgsidError(f"{where}: drawn from other data; delete the file or name another")

    def of(self, rows: IntArray) -> tuple[IntArray, BoolArray]:
        """Return negatives and near flags of log rows (B,), both (B, K).

        Raises:
            LgsidError: if a row has none.
        """
        at = np.searchsorted(self.row, rows).clip(max=max(0, len(self.row) - 1))
        if len(self.row) == 0 or (self.row[at] != rows).any():
            raise LgsidError("CTR candidates: some check-ins have no negatives; delete the file to draw it anew")
        return self.negative[at], self.near[at]

    def samples(self, log: CheckInLog, rows: IntArray) -> tuple[IntArray, npt.NDArray[np.float32], BoolArray]:
        """Return what the click-through task serves of log rows (B,): 1 + K candidates each, the positive first.

        Returns:
            Candidates, labels, and which candidates are near, all (B, 1 + K). Near are the negatives drawn near the
            last place, and the positives of users who have one.

        Raises:
            LgsidError: if a row has no negatives.
        """
        negative, near = self.of(rows)
        candidate = np.concatenate([log.item[rows][:, None], negative], axis=1)
        label = np.zeros(candidate.shape, dtype=np.float32)
        label[:, 0] = 1.0
        return candidate, label, np.concatenate([log.n_before[rows][:, None] > 0, near], axis=1)

    @classmethod
    def read(cls, path: str | Path) -> CTRCandidates:
        """Read a file written by `write`.

        Raises:
            LgsidError: if it is missing or is not such a file.
        """
        table = open_parquet(path, ("row", "negative", "near"), "table of CTR candidates")
        n = len(table)
        negative = np.asarray(table["negative"].combine_chunks().flatten()).astype(np.int64).reshape(n, -1)
        near = table["near"].combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(bool).reshape(n, -1)
        return cls(np.asarray(table["row"]).astype(np.int64), negative, near, read_metadata(table, path))

    def write(self, path: str | Path) -> None:
        """Write as Parquet, atomically."""
        width = self.negative.shape[1]
        columns = {
            "row": pa.array(self.row),
            "negative": pa.FixedSizeListArray.from_arrays(pa.array(self.negative.reshape(-1)), width),
            "near": pa.FixedSizeListArray.from_arrays(pa.array(self.near.reshape(-1)), width),
        }
        write_parquet(with_metadata(pa.table(columns), dict(self.metadata)), path)
