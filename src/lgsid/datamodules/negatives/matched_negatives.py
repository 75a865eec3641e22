"""Negatives that popularity, membership in the history and distance do not give away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.interactions import SPLITS
from lgsid.artefacts.items import Items
from lgsid.datamodules.negatives.balanced_choice import Bins, corrected, taken
from lgsid.datamodules.negatives.candidate_pool import City, Floats, Pool
from lgsid.datamodules.negatives.negative_sampler import BoolArray, IntArray, NegativeSampler
from lgsid.errors import LgsidError

BINS = 32
LEAST = 20  # queries to a bin
FITTED = 4096  # queries that weights are fitted on
AGAIN = 16  # times at most that a query is among them, with other proposals each time
ROUNDS = 40
CHUNK = 1 << 14  # queries whose candidates are in memory at once


@dataclass(frozen=True)
class Weights:
    """Logarithms of the weights of bins.

    Args:
        bins: Of check-ins, visitors, and distance of positives.
        near: Weights of each for near negatives.
        anywhere: Weights of check-ins and visitors for the others.
    """

    bins: tuple[Bins, ...]
    near: tuple[Floats, ...]
    anywhere: tuple[Floats, ...]


class MatchedNegatives(NegativeSampler):
    """Negatives that are as popular and as often of the user's own past as positives are, and half of them as far.

    A positive that is new to the user gets negatives that are new to the user, a revisit gets other places of the
    user's own past; where those are too few, the rest comes from the other side. Among them negatives are drawn by
    weights of bins of training check-ins and of visitors, fitted by iterative proportional fitting (Deming and Stephan
    1940) until negatives are distributed over the bins as positives are; near negatives also over bins of the distance
    from the user's last place. The weights belong to a split and a slice of it (new places, revisits). Check-ins and
    visitors are what a model knows at that time: without those of the same user from the query on.

    Args:
        n_near: Negatives at the distances of positives from the last place.
        n_any: Negatives at any distance.
        proposals: Number of places, drawn at random, from which the negatives of a check-in are drawn.
    """

    def __init__(self, n_near: int = 2, n_any: int = 2, proposals: int = 48) -> None:
        super().__init__(n_near, n_any)
        if proposals < 2 * (n_near + n_any):
            raise LgsidError(f"MatchedNegatives: proposals must be at least {2 * (n_near + n_any)}, not {proposals}")
        self.proposals = proposals

    def draw(self, log: CheckInLog, items: Items, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
        """Draw K negatives for each check-in; see the base class."""
        city = City(log, items, self.proposals)
        negative = np.empty((len(log), self.n_near + self.n_any), dtype=np.int64)
        near = np.zeros(negative.shape, dtype=bool)
        for split in SPLITS:
            for new in (True, False):
                rows = np.flatnonzero((log.split == split) & (log.is_new == new))
                if not len(rows):
                    continue
                weights = self._fit(city, rows, rng)
                for some in np.split(rows, np.arange(CHUNK, len(rows), CHUNK)):
                    pool = city.pool(some, rng)
                    noise = _noise(pool, rng), _noise(pool, rng)
                    at, near[some] = self._chosen(pool, _numbers(pool, weights), weights, noise)
                    negative[some] = np.take_along_axis(pool.place, at, axis=1)
        return negative, near

    def _fit(self, city: City, rows: IntArray, rng: np.random.Generator) -> Weights:
        """Fit the weights of a slice on some of its queries, by the bins of all its positives."""
        most = int(np.clip(len(rows) // LEAST, 1, BINS))
        bins = tuple(Bins.of(value[:, 0][~np.isnan(value[:, 0])], most) for value in city.values(rows))
        even = tuple(np.zeros(len(part.share)) for part in bins)
        weights = Weights(bins, even, even[:-1])
        some = np.resize(rng.permutation(rows), min(FITTED, AGAIN * len(rows)))
        pool = city.pool(some, rng)
        noise, number = (_noise(pool, rng), _noise(pool, rng)), _numbers(pool, weights)
        for _ in range(ROUNDS):
            at, near = self._chosen(pool, number, weights, noise)
            chosen = [np.take_along_axis(part, at, axis=1) for part in number]
            of_near = [
                corrected(*parts) for parts in zip(weights.near, bins, [part[near] for part in chosen], strict=True)
            ]
            of_all = [corrected(*parts) for parts in zip(weights.anywhere, bins[:-1], chosen[:-1], strict=True)]
            weights = Weights(bins, tuple(of_near), tuple(of_all))
        return weights

    def _chosen(
        self, pool: Pool, number: Sequence[IntArray], weights: Weights, noise: tuple[Floats, Floats]
    ) -> tuple[IntArray, BoolArray]:
        """Choose candidates by weights, by the largest sum of logarithm and Gumbel noise, without replacement.

        Args:
            pool: The candidates.
            number: Shape (B, T) each, their bins.
            weights: The weights of bins.
            noise: Shape (B, T) each, for near negatives and for the others.

        Returns:
            Positions in the pool (B, K), and which of them are near (B, K).
        """
        near_key, key = pool.key + noise[0], pool.key + noise[1]
        for part, weight in zip(number, weights.near, strict=True):
            near_key += weight[part]
        for part, weight in zip(number, weights.anywhere, strict=False):
            key += weight[part]
        near = taken(near_key, self.n_near)
        np.put_along_axis(key, near, -np.inf, axis=1)
        at = np.concatenate([near, taken(key, self.n_any)], axis=1)
        allowed = np.take_along_axis(pool.key, at, axis=1) > -np.inf
        at = np.where(allowed, at, pool.key.argmax(axis=1)[:, None])  # fewer places than negatives: the same again
        is_near = np.zeros(at.shape, dtype=bool)
        is_near[:, : self.n_near] = ~np.isnan(pool.value[-1][:, :1])
        return at, is_near


def _numbers(pool: Pool, weights: Weights) -> list[IntArray]:
    """Return the bins of what a pool is matched in, each (B, T)."""
    return [bins.number(value) for bins, value in zip(weights.bins, pool.value, strict=True)]


def _noise(pool: Pool, rng: np.random.Generator) -> Floats:
    return rng.gumbel(size=pool.place.shape)
