"""The contract of a collision strategy: what to do with items that share all their codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lgsid.construction import Describable
from lgsid.errors import LgsidError

Codes = npt.NDArray[np.int64]
CodeDistances = Callable[[npt.NDArray[np.int64], Codes, int], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Resolved:
    """Codes after collision resolution.

    Args:
        codes: (N, L') int64; L' may be greater than before.
        codebook_sizes: Length L'.
        names: (N, L') int64, other names for these codes, which the semantic IDs are written in; none for the codes
            themselves.
        name_sizes: Length L', how many names each level has; none without `names`.
    """

    codes: Codes
    codebook_sizes: tuple[int, ...]
    names: Codes | None = None
    name_sizes: tuple[int, ...] | None = None

    @property
    def written(self) -> tuple[Codes, tuple[int, ...]]:
        """The codes and codebook sizes of the semantic IDs."""
        if self.names is None or self.name_sizes is None:
            return self.codes, self.codebook_sizes
        return self.names, self.name_sizes


class CollisionStrategy(Describable, ABC):
    """Resolve collisions: items that share all their codes.

    A strategy is deterministic. It sees items in an order that does not depend on the order of the items table
    (that of their ids), which settles ties, so that permuting the items permutes their semantic IDs.
    """

    by_first_code: ClassVar[bool] = False
    """Whether items of one first code can be resolved without the others, once `spread` has been called.

    What a catalogue that does not fit in memory needs. The codebook sizes are then the largest of all first codes.
    """

    def check(self, n_items: int, codebook_sizes: tuple[int, ...]) -> None:
        """Raise an LgsidError if the strategy promises unique semantic IDs and the codebooks cannot hold the items.

        Called before training, so that nobody waits for the error.
        """

    @abstractmethod
    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return the codes to use.

        Args:
            codes: (N, L) int64, as the tokenizer encoded the items.
            codebook_sizes: Length L.
            distances: `distances(rows, codes, level) -> (n, K_level)`: how far each item of `rows: (n,)` is from
                every code of `level` (from 0), given its codes `codes: (n, L)` of the earlier levels.

        Raises:
            LgsidError: if the strategy promises unique semantic IDs and the codebooks cannot hold the items.
        """

    def extend(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances, taken: Codes) -> Resolved:
        """Return the codes of new items beside semantic IDs that stay as they are.

        Args:
            codes: (N, L) int64, as the tokenizer encoded the new items.
            codebook_sizes: Length L.
            distances: See `resolve`.
            taken: (M, L') int64, codes that the strategy gave before and that no new item may have.

        Returns:
            Codes of the new items alone, (N, L'), different from each other and from those taken; no names.

        Raises:
            LgsidError: if the strategy cannot do that, as by default, or the codebooks cannot hold the items.
        """
        raise LgsidError(
            f"{type(self).__name__} cannot give semantic IDs to new items beside published ones; tokenize with"
            " NearestFreeCode, CounterSuffix or IdentitySuffix"
        )

    def crowded(self, held: npt.NDArray[np.int64], codebook_sizes: tuple[int, ...]) -> npt.NDArray[np.bool_]:
        """Tell which first codes hold more items than can stay, of `held: (K,)` items each, (K,); none by default."""
        return np.zeros(len(held), dtype=bool)

    def spread(
        self, codes: Codes, held: npt.NDArray[np.int64], codebook_sizes: tuple[int, ...], distances: CodeDistances
    ) -> Codes:
        """Return codes with which no first code is crowded, the first thing that `resolve` does to all items.

        Args:
            codes: (C, L), of all items of crowded first codes, in the order of their ids.
            held: Items of each first code, (K,).
            codebook_sizes: Length L.
            distances: See `resolve`; rows are those of `codes`.

        Returns:
            (C, L).
        """
        return codes


def of_first_codes(codes: Codes, taken: Codes) -> Codes:
    """Return those of `taken: (M, L')` whose first code one of `codes: (N, L)` has: for few new items, few of many."""
    return taken[np.isin(taken[:, 0], codes[:, 0])]
