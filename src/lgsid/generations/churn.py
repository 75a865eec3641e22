"""How much of the semantic IDs of the same places changed, by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lgsid.generations.prefixes import Codes


@dataclass(frozen=True)
class Churn:
    """Shares of places whose codes changed.

    Args:
        places: Number of places that have semantic IDs in both.
        prefix: For each level, the share of places of which this code or one before it changed; the last is the share
            of changed semantic IDs. 0 where there are no places.
        code: For each level, the share of places of which this code changed.
        levels: Number of levels of the old and of the new semantic IDs; where they differ, every semantic ID changed,
            and the shares are of the levels that both have.
    """

    places: int
    prefix: tuple[float, ...]
    code: tuple[float, ...]
    levels: tuple[int, int]

    @classmethod
    def between(cls, old: Codes, new: Codes) -> Churn:
        """Compare codes `(N, L)` and `(N, L')` of the same places."""
        both = min(old.shape[1], new.shape[1])
        differ = old[:, :both] != new[:, :both]
        count = max(len(differ), 1)
        prefix = np.logical_or.accumulate(differ, axis=1).sum(axis=0) / count
        code = differ.sum(axis=0) / count
        return cls(len(old), tuple(prefix.tolist()), tuple(code.tolist()), (old.shape[1], new.shape[1]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "places": self.places,
            "levels": list(self.levels),
            "prefix": list(self.prefix),
            "code": list(self.code),
        }
