"""Preference pairs from co-visits of users."""

from __future__ import annotations

import numpy as np

from lgsid.alignment.counted_pairs import CountedPairs
from lgsid.alignment.rejected_places import PairedRejected, RejectedPlaces
from lgsid.alignment.sampling import IntArray
from lgsid.artefacts import Dataset


class CollaborativePairs(CountedPairs):
    """Collaborative pairs: the chosen place is visited together with the anchor, the rejected ones never.

    Two places co-occur when one user checks in at both within `window_h` hours and `max_steps` check-ins, in the
    training split. Of such a pair, each place is an anchor. Pairs of places are kept whose count reaches the given
    quantile of all counts: the paper's threshold of 1200 is Kuaishou's scale, a quantile travels; 0, with a minimum
    count of 1, keeps all. A rejected place never co-occurs with the anchor.

    Source: LGSID (arXiv 2511.14221), collaborative pairs; the quantile is our reading (docs/method.md, section 2).

    Args:
        quantile: Quantile of the co-occurrence counts that a pair of places must reach.
        window_h: Maximum number of hours between the two check-ins.
        max_steps: Maximum number of steps in the user's check-in sequence from one to the other.
        min_count: Minimum co-occurrence count of a pair of places, whatever the quantile.
        count_power: Power of its count that a pair is drawn by: 0 draws all pairs alike, 1 as often as they occur.
        rejected: Where rejected places come from; if not given, they are drawn as often as they occur in kept pairs.
    """

    def __init__(
        self,
        quantile: float = 0.9,
        window_h: float = 24.0,
        max_steps: int = 5,
        min_count: int = 2,
        count_power: float = 0.0,
        rejected: RejectedPlaces | None = None,
    ) -> None:
        super().__init__(rejected or PairedRejected(), quantile, min_count, count_power)
        self.window_h = window_h
        self.max_steps = max_steps

    def count(self, dataset: Dataset) -> tuple[IntArray, IntArray]:
        """Count co-occurrences in the training split, each pair of places in both orders; see the base class."""
        user, item, seconds = training_visits(dataset)
        n, codes = len(dataset.items), [np.empty(0, np.int64)]
        for step in range(1, min(self.max_steps, len(item) - 1) + 1):
            first, second = item[:-step], item[step:]
            together = (user[:-step] == user[step:]) & (seconds[step:] - seconds[:-step] <= self.window_h * 3600)
            together &= first != second
            codes += [(first * n + second)[together], (second * n + first)[together]]
        return np.unique(np.concatenate(codes), return_counts=True)


def training_visits(dataset: Dataset) -> tuple[IntArray, IntArray, IntArray]:
    """Return the training check-ins user by user, each user's in the order of time.

    Returns:
        Number of the user, row of the place, and time in seconds since 1970, each of shape (M,).
    """
    frame = dataset.interactions.frame
    train = np.flatnonzero((frame["split"] == "train").to_numpy())
    order = train[np.argsort(dataset.user_rows[train], kind="stable")]  # check-ins are sorted by time already
    seconds = np.asarray(frame["time"].astype("datetime64[s, UTC]").astype(np.int64), dtype=np.int64)
    return dataset.user_rows[order], dataset.item_rows[order], seconds[order]
