"""Preference pairs from co-visits of users."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.alignment.pair_sampler import PairSampler
from lgsid.alignment.sampling import IntArray, first_accepted, preference_batch
from lgsid.artefacts import Dataset
from lgsid.typing import PreferenceBatch

TRIES = 16  # candidates drawn for each rejected place


class CollaborativePairs(PairSampler):
    """Collaborative pairs: the chosen place is visited together with the anchor, the rejected ones never.

    Two places co-occur when one user checks in at both within `window_h` hours and `max_steps` check-ins, in the
    training split. Pairs of places are kept whose count reaches the given quantile of all counts: the paper's threshold
    of 1200 is Kuaishou's scale, a quantile travels. A rejected place is drawn as often as it occurs in kept
    pairs, so that popularity does not tell chosen from rejected, and never co-occurs with the anchor.

    Source: LGSID (arXiv 2511.14221), collaborative pairs; the quantile is our reading (docs/method.md, section 2).

    Args:
        quantile: Quantile of the co-occurrence counts that a pair of places must reach.
        window_h: Maximum number of hours between the two check-ins.
        max_steps: Maximum number of steps in the user's check-in sequence from one to the other.
        min_count: Minimum co-occurrence count of a pair of places, whatever the quantile.
    """

    def __init__(self, quantile: float = 0.9, window_h: float = 24.0, max_steps: int = 5, min_count: int = 2) -> None:
        self.quantile = quantile
        self.window_h = window_h
        self.max_steps = max_steps
        self.min_count = min_count

    def fit(self, dataset: Dataset) -> None:
        """Count co-occurrences in the training split."""
        self._n = len(dataset.items)
        codes, counts = co_occurrences(dataset, self.window_h, self.max_steps)
        self.pairs, self.counts = np.stack(np.divmod(codes, self._n), axis=1), counts  # (P, 2), (P,)
        self.threshold = max(float(np.quantile(counts, self.quantile)) if len(counts) else 0.0, float(self.min_count))
        self._kept = self.pairs[counts >= self.threshold]
        self._together = codes  # sorted

    @property
    def n_anchors(self) -> int:
        """Number of places in kept pairs; 0 if there are too few to find rejected ones."""
        places = np.unique(self._kept)
        return len(places) if len(places) >= 4 else 0

    def draw(self, n: int, n_rejected: int, rng: np.random.Generator) -> PreferenceBatch:
        """Draw `n` pairs; see the base class."""
        pair = self._kept[rng.integers(len(self._kept), size=n)]
        flip = rng.random(n) < 0.5
        anchor, chosen = np.where(flip, pair[:, 1], pair[:, 0]), np.where(flip, pair[:, 0], pair[:, 1])
        endpoints = self._kept.reshape(-1)
        place = endpoints[rng.integers(len(endpoints), size=(n, n_rejected, TRIES))]
        place[..., TRIES // 2 :] = rng.integers(self._n, size=(n, n_rejected, TRIES - TRIES // 2))  # if those all fail
        valid = ~self.co_occur(anchor[:, None, None], place) & (place != anchor[:, None, None])
        distinct = (place != anchor[:, None, None]) & (place != chosen[:, None, None])
        best = first_accepted(valid, first_accepted(distinct, np.full((n, n_rejected), TRIES - 1)))
        return preference_batch(anchor, chosen, np.take_along_axis(place, best[..., None], axis=-1)[..., 0])

    def co_occur(self, left: IntArray, right: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether places co-occur at all in the training split; shapes broadcast."""
        code = np.minimum(left, right) * self._n + np.maximum(left, right)
        if not len(self._together):
            return np.zeros(code.shape, dtype=bool)
        found = np.searchsorted(self._together, code).clip(max=len(self._together) - 1)
        return np.asarray(self._together[found] == code)


def co_occurrences(dataset: Dataset, window_h: float, max_steps: int) -> tuple[IntArray, IntArray]:
    """Count how often two different places are visited together in the training split.

    Args:
        dataset: Places and check-ins.
        window_h: Maximum number of hours between the two check-ins.
        max_steps: Maximum number of steps in the user's check-in sequence from one to the other.

    Returns:
        Codes `low * N + high` of the pairs of rows, sorted, shape (P,), and their counts, shape (P,).
    """
    frame = dataset.interactions.frame
    train = np.flatnonzero((frame["split"] == "train").to_numpy())
    seconds = frame["time"].astype("datetime64[s, UTC]").astype(np.int64).to_numpy()[train]
    user, item = dataset.user_rows[train], dataset.item_rows[train]
    order = np.argsort(user, kind="stable")  # check-ins are sorted by time already
    user, item, seconds = user[order], item[order], seconds[order]
    n, codes = len(dataset.items), [np.empty(0, np.int64)]
    for step in range(1, min(max_steps, len(item) - 1) + 1):
        first, second = item[:-step], item[step:]
        together = (user[:-step] == user[step:]) & (seconds[step:] - seconds[:-step] <= window_h * 3600)
        together &= first != second
        low, high = np.minimum(first, second)[together], np.maximum(first, second)[together]
        codes.append(low * n + high)
    return np.unique(np.concatenate(codes), return_counts=True)
