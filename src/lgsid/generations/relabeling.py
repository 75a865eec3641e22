"""Other labels for the codes of a tokenizer, as published semantic IDs have them after a refit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from lgsid.artefacts.tables import open_parquet, write_parquet
from lgsid.errors import LgsidError
from lgsid.generations.prefixes import Codes, number_prefixes


@dataclass(frozen=True)
class LevelLabels:
    """The codes of one level that have another label; the others are their own labels.

    Below one prefix, or for all together where the prefixes are empty, labels and codes are the same set, so that no
    two codes share a label.

    Args:
        prefixes: (E, P) codes of the earlier levels as the tokenizer gives them; P is the level, or 0 for all prefixes.
        codes: (E,) codes as the tokenizer gives them.
        labels: (E,) their labels.
    """

    prefixes: Codes
    codes: Codes
    labels: Codes

    def of(self, codes: Codes, level: int) -> Codes:
        """Return the labels of the codes of a level, of `codes: (N, L)` of which the earlier ones have none yet."""
        depth = self.prefixes.shape[1]
        known = np.column_stack([self.prefixes, self.codes])
        asked = np.column_stack([codes[:, :depth], codes[:, level]])
        groups = number_prefixes(np.concatenate([known, asked]))
        labels = np.full(int(groups.max(initial=-1)) + 1, -1, dtype=np.int64)
        labels[groups[: len(known)]] = self.labels
        found = labels[groups[len(known) :]]
        return np.where(found >= 0, found, codes[:, level])


@dataclass(frozen=True)
class Relabeling:
    """A bijection between the codes of a tokenizer and labels that keeps the tree: equal prefixes stay equal.

    Args:
        levels: The labels of each level; codes of further levels are their own labels.
    """

    levels: tuple[LevelLabels, ...] = ()

    def labels(self, codes: Codes) -> Codes:
        """Return the labels of `codes: (N, L)`."""
        columns = [given.of(codes, level) for level, given in enumerate(self.levels[: codes.shape[1]])]
        return np.column_stack([*columns, codes[:, len(columns) :]]) if columns else codes

    def codes(self, labels: Codes) -> Codes:
        """Return the codes that have the labels `(N, L)`: the inverse of `labels`."""
        return self.inverse.labels(labels)

    @property
    def inverse(self) -> Relabeling:
        """The relabeling that leads back."""
        return Relabeling(tuple(LevelLabels(self.labels(one.prefixes), one.labels, one.codes) for one in self.levels))

    def is_plain(self) -> bool:
        """Tell whether every code is its own label."""
        return not any(len(level.codes) for level in self.levels)

    def write(self, path: Path) -> None:
        """Write as Parquet with the columns `level` (from 1), `prefix`, `code` and `label`, atomically."""
        level = [np.full(len(one.codes), number + 1) for number, one in enumerate(self.levels)]
        prefixes: list[list[int]] = [row for one in self.levels for row in one.prefixes.tolist()]
        table = {
            "level": np.concatenate(level),
            "prefix": pa.array(prefixes, pa.list_(pa.int64())),
            "code": np.concatenate([one.codes for one in self.levels]),
            "label": np.concatenate([one.labels for one in self.levels]),
        }
        write_parquet(pa.table(table), path)

    @classmethod
    def read(cls, path: Path) -> Relabeling:
        """Read a file that `write` wrote.

        Raises:
            LgsidError: if it is missing or no such file.
        """
        table = open_parquet(path, ("level", "prefix", "code", "label"), "relabeling")
        try:
            level, codes, labels = (np.asarray(table[name], dtype=np.int64) for name in ("level", "code", "label"))
            found = []
            for number in range(int(level.max(initial=0))):
                here = np.flatnonzero(level == number + 1)
                rows = table["prefix"].take(here).to_pylist()
                prefixes = np.array(rows, dtype=np.int64).reshape(len(rows), -1) if rows else empty(0, number)
                found.append(LevelLabels(prefixes, codes[here], labels[here]))
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise LgsidError(f"{path}: not a relabeling ({str(error).splitlines()[0]})") from error
        return cls(tuple(found))


def joined(parts: Sequence[LevelLabels], depth: int) -> LevelLabels:
    """Return the labels below several prefixes of one depth as those of one level."""
    if not parts:
        return LevelLabels(empty(0, depth), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    prefixes = np.concatenate([part.prefixes for part in parts])
    return LevelLabels(
        prefixes, np.concatenate([part.codes for part in parts]), np.concatenate([part.labels for part in parts])
    )


def empty(rows: int, depth: int) -> Codes:
    """Return prefixes of no codes."""
    return np.zeros((rows, depth), dtype=np.int64)
