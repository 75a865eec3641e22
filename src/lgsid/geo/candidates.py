"""Density-aware negatives: candidates drawn by the rank of their distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.geo.neighbours import nearest_places

CHUNK = 1024


class CandidateSampler:
    """Draw other places for a place: most by neighbour rank, log-uniformly, some anywhere.

    Ranks instead of kilometres, so that a dense centre and a thin suburb both give hard negatives; log-uniform, so
    that each doubling of the rank is equally likely (our reading of the paper's density-aware sampling, METHOD 1).
    A list never holds the place itself, nor another place twice.

    Args:
        lat_deg: Latitudes of the places that may be drawn and drawn for, shape (N,).
        lon_deg: Longitudes, shape (N,).
        n_candidates: Length K of a list; at most N - 1.
        n_neighbours: Longest rank drawn.
        n_far: How many of the list are drawn uniformly from all places.
    """

    def __init__(
        self,
        lat_deg: npt.NDArray[np.float64],
        lon_deg: npt.NDArray[np.float64],
        n_candidates: int,
        n_neighbours: int,
        n_far: int,
    ) -> None:
        self.n_places = len(lat_deg)
        self.n_candidates = min(n_candidates, self.n_places - 1)
        self.neighbours, _ = nearest_places(lat_deg, lon_deg, max(n_neighbours, self.n_candidates))
        self.n_near = min(self.n_candidates - min(n_far, self.n_candidates), self.neighbours.shape[1])
        rank = np.arange(1, self.neighbours.shape[1] + 1)
        self._log_weight = np.log(np.log1p(1.0 / rank))  # log-uniform: P(rank) ~ log((rank + 1) / rank)

    def draw(self, places: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return candidates for places, shape (B, K); column order carries no meaning."""
        parts = [self._draw(places[i : i + CHUNK], rng) for i in range(0, len(places), CHUNK)]
        return np.concatenate(parts) if parts else np.empty((0, self.n_candidates), np.int64)

    def _draw(self, places: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
        keys = self._log_weight + rng.gumbel(size=(len(places), len(self._log_weight)))  # the largest keys are a
        picks = np.argsort(-keys, axis=1)[:, : self.n_near]  # draw without replacement by weight (Gumbel top-k)
        near = np.take_along_axis(self.neighbours[places], picks, axis=1)
        n_far = self.n_candidates - self.n_near
        if not n_far:
            return near
        anywhere = rng.random((len(places), self.n_places), dtype=np.float32)
        rows = np.arange(len(places))[:, None]
        anywhere[rows, near] = 2.0
        anywhere[rows[:, 0], places] = 2.0
        far = np.argpartition(anywhere, n_far - 1, axis=1)[:, :n_far]
        return np.concatenate([near, far], axis=1)
