"""Preference pairs from where users go next."""

from __future__ import annotations

import numpy as np

from lgsid.alignment.counted_pairs import CountedPairs
from lgsid.alignment.rejected_places import NearbyRejected, RejectedPlaces
from lgsid.alignment.sampling import IntArray
from lgsid.artefacts import Dataset
from lgsid.artefacts.check_in_log import CheckInLog


class TransitionPairs(CountedPairs):
    """Transition pairs: the chosen place is where a user of the anchor went next, for the first time.

    The anchor is a user's last place, the chosen one the next that is new to this user, in the training split: the
    question that a recommender of new places is asked. A pair is ordered, so that the way there and the way back count
    apart. A rejected place never followed the anchor in this way. Our addition to the pairs of LGSID (docs/method.md,
    section 2), which count co-visits.

    Args:
        min_count: Minimum number of times that a transition occurs.
        count_power: Power of its count that a pair is drawn by: 0 draws all pairs alike, 1 as often as they occur.
        rejected: Where rejected places come from; near the chosen one if not given.
    """

    def __init__(self, min_count: int = 1, count_power: float = 1.0, rejected: RejectedPlaces | None = None) -> None:
        super().__init__(rejected or NearbyRejected(), 0.0, min_count, count_power)

    def count(self, dataset: Dataset) -> tuple[IntArray, IntArray]:
        """Count transitions to places new to the user in the training split; see the base class."""
        origin, place = CheckInLog.of(dataset).next_new_places("train")
        return np.unique(origin * len(dataset.items) + place, return_counts=True)
