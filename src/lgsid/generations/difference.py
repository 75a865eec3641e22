"""What changed between any two generations of a root."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from lgsid.generations.churn import Churn
from lgsid.generations.generation import Generation
from lgsid.generations.move import kilometers
from lgsid.generations.register import POSITION, Mask, Rows, moved, renamed


@dataclass(frozen=True)
class Difference:
    """Two generations, place by place. Neither need be made from the other.

    Args:
        old: One generation.
        new: The other.
    """

    old: Generation
    new: Generation

    @cached_property
    def rows(self) -> Rows:
        """Row in the new generation of each place of the old one, -1 for one that it does not have, (N,)."""
        return self.new.register.rows(self.old.register.ids)

    @property
    def known(self) -> Mask:
        """Which places of the old generation the new one has, (N,)."""
        return self.rows >= 0

    @cached_property
    def churn(self) -> Churn:
        """How much of the semantic IDs of the places of both changed."""
        return Churn.between(self.old.register.codes[self.known], self.new.register.codes[self.rows[self.known]])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values.

        Returns:
            - `old`, `new`: numbers of the generations
            - `places`: `appended` (only in the new one), `missing` (only in the old one, as after a rollback),
              `retired` and `returned` (closed or open only in the new one), `moved`, `renamed`, `same`
            - `km_mean` and `km_max` of those that moved, null where none did
            - `rows_kept`: whether every place of both has the same row
            - `churn`: by level, see `Churn`
            - `capacity`: of the old and of the new one, see `capacity_of`
        """
        one, other = self.old.register, self.new.register
        here, there = np.flatnonzero(self.known), self.rows[self.known]
        before, after = one.places.take(pa.array(here)), other.places.take(pa.array(there))
        elsewhere, called = moved(before, after), renamed(before, after)
        was, is_now = one.retired[here], other.retired[there]
        km = kilometers(before, after, POSITION)[elsewhere]
        km = km[~np.isnan(km)]
        return {
            "old": self.old.number,
            "new": self.new.number,
            "places": {
                "appended": len(other) - len(here),
                "missing": len(one) - len(here),
                "retired": int((~was & is_now).sum()),
                "returned": int((was & ~is_now).sum()),
                "moved": int(elsewhere.sum()),
                "renamed": int((called & ~elsewhere).sum()),
                "same": int((~elsewhere & ~called & (was == is_now)).sum()),
            },
            "km_mean": float(km.mean()) if len(km) else None,
            "km_max": float(km.max()) if len(km) else None,
            "rows_kept": bool((here == there).all()),
            "churn": self.churn.to_dict(),
            "capacity": {"old": dict(self.old.capacity), "new": dict(self.new.capacity)},
        }
