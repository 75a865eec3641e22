"""How much people like chains: a factor per person and chain, distributed as a gamma of mean 1, floored."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

SHAPE, LEAST = 1.2, 0.05
LEVELS = 4096

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


class Likings(ABC):
    """The factors by which people prefer the branches of a chain."""

    @abstractmethod
    def of(self, user: Ints, chain: Ints) -> Array:
        """Return the factors of people and chains; shapes broadcast. A place without a chain (-1) has factor 1."""


class DrawnLikings(Likings):
    """A table of all people and chains.

    Args:
        n_users: Number of people.
        n_chains: Number of chains.
        rng: Random numbers.
    """

    def __init__(self, n_users: int, n_chains: int, rng: np.random.Generator) -> None:
        drawn = rng.gamma(SHAPE, 1 / SHAPE, (n_users, n_chains)) + LEAST
        self._table = np.concatenate([drawn, np.ones((n_users, 1))], axis=1)  # -1, no chain, takes the last column

    def of(self, user: Ints, chain: Ints) -> Array:
        """Return the factors of people and chains; shapes broadcast."""
        return np.asarray(self._table[user, chain])


class HashedLikings(Likings):
    """The same without a table: a hash of person and chain picks one of 4,096 quantiles of the distribution.

    Args:
        rng: Random numbers.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._quantiles = np.sort(rng.gamma(SHAPE, 1 / SHAPE, LEVELS) + LEAST)
        self._seed = rng.integers(2**63, dtype=np.uint64)

    @property
    def most(self) -> float:
        """The largest factor."""
        return float(self._quantiles[-1])

    def of(self, user: Ints, chain: Ints) -> Array:
        """Return the factors of people and chains; shapes broadcast."""
        mixed = np.asarray(user).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + self._seed
        mixed = _mixed(_mixed(mixed) + np.asarray(chain).astype(np.uint64))
        return np.where(chain < 0, 1.0, self._quantiles[mixed % np.uint64(LEVELS)])


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return well-mixed bits: the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
