"""Density-aware negative sampling: candidates sampled by the rank of their distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.geo.neighbors import nearest_places

CHUNK = 1024
RANKED = 8_192
"""Places of which uniform samples are drawn by ranking all of them; of more, they are drawn one after the other."""


class CandidateSampler:
    """Sample candidate places for a place: most of them log-uniformly by neighbor rank, some uniformly.

    Ranks instead of kilometers, so that a dense center and a sparse suburb both give hard negatives; log-uniform, so
    that each doubling of the rank is equally likely: our reading of the density-aware sampling of LGSID
    (arXiv 2511.14221; docs/method.md). Sampling is without replacement and never returns the place itself.

    Args:
        lat_deg: Latitudes of the places, shape (N,); they are both queries and candidates.
        lon_deg: Longitudes, shape (N,).
        n_candidates: Number of candidates K per place; at most N - 1.
        n_neighbours: Largest neighbor rank that is sampled.
        n_far: How many of the candidates are sampled uniformly from all places.
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
        """Sample candidates for places `(B,)`, shape (B, K); the order of the columns carries no meaning."""
        parts = [self._draw(places[i : i + CHUNK], rng) for i in range(0, len(places), CHUNK)]
        return np.concatenate(parts) if parts else np.empty((0, self.n_candidates), np.int64)

    def _draw(self, places: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
        keys = self._log_weight + rng.gumbel(size=(len(places), len(self._log_weight)))  # the largest keys are a
        picks = np.argsort(-keys, axis=1)[:, : self.n_near]  # draw without replacement by weight (Gumbel top-k)
        near = np.take_along_axis(self.neighbours[places], picks, axis=1)
        n_far = self.n_candidates - self.n_near
        if not n_far:
            return near
        own = np.concatenate([near, places[:, None]], axis=1)
        far = self._draw_by_rank(own, n_far, rng) if self.n_places <= RANKED else self._draw_again(own, n_far, rng)
        return np.concatenate([near, far], axis=1)

    def _draw_by_rank(self, own: npt.NDArray[np.int64], n_far: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Sample places other than `own: (B, O)`, shape (B, n_far): those of the smallest random numbers of all."""
        anywhere = rng.random((len(own), self.n_places), dtype=np.float32)
        np.put_along_axis(anywhere, own, 2.0, axis=1)
        return np.argpartition(anywhere, n_far - 1, axis=1)[:, :n_far]

    def _draw_again(self, own: npt.NDArray[np.int64], n_far: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Sample places other than `own: (B, O)`, shape (B, n_far), one after the other, again where it was there."""
        for _ in range(n_far):
            drawn = rng.integers(self.n_places, size=len(own))
            while len(again := np.flatnonzero((own == drawn[:, None]).any(axis=1))):
                drawn[again] = rng.integers(self.n_places, size=len(again))
            own = np.concatenate([own, drawn[:, None]], axis=1)
        return own[:, -n_far:]
