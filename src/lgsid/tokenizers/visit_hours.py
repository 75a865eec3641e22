"""When places are visited."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.errors import LgsidError
from lgsid.tokenizers.visit_signal import VisitSignal
from lgsid.tokenizers.visits import Visits

HOURS = 24


class VisitHours(VisitSignal):
    """The share of a place's check-ins in each local hour, less that of all check-ins.

    `(n_h + s q_h) / (n + s) - q_h`, with `n_h` of the place's n check-ins in hour h and `q_h` the share of all
    check-ins: `s` is for how many check-ins the profile of all counts, so that few tell little and none nothing.

    Source: the temporal feature of GNPR-SID (arXiv 2506.01375), which marks the hours in which a place was visited;
    shares that shrink to the profile of all are ours.

    Args:
        prior: s.
    """

    def __init__(self, prior: float = 5.0) -> None:
        if not prior > 0:
            raise LgsidError(f"VisitHours: prior must be positive, not {prior}")
        self.prior = prior

    @property
    def width(self) -> int:
        """One for each hour of the day."""
        return HOURS

    def of(self, visits: Visits) -> npt.NDArray[np.float32]:
        """Return the profiles, shape (N, 24)."""
        counts = np.bincount(visits.place * HOURS + visits.hour, minlength=visits.n_places * HOURS)
        counts = counts.reshape(visits.n_places, HOURS)
        overall = counts.sum(axis=0) / max(len(visits.place), 1)
        total = counts.sum(axis=1, keepdims=True)
        return np.asarray((counts - total * overall) / (total + self.prior), dtype=np.float32)
