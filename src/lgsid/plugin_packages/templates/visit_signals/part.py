"""How well known a place is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.tokenizers import VisitSignal
from lgsid.tokenizers.visits import Visits


class PartName(VisitSignal):
    """`log(1 + check-ins)` and `log(1 + users)` of each place: many check-ins of few users are regulars."""

    @property
    def width(self) -> int:
        """Two."""
        return 2

    def of(self, visits: Visits) -> npt.NDArray[np.float32]:
        """Return the vectors of the N places of V check-ins, shape (N, 2)."""
        pairs = np.unique(np.stack([visits.place, visits.user], 1), axis=0)  # each user of a place once
        counts = [np.bincount(place, minlength=visits.n_places) for place in (visits.place, pairs[:, 0])]
        return np.log1p(np.stack(counts, 1)).astype(np.float32)
