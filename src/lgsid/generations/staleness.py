"""Places whose semantic IDs are no longer those that their tokenizer would give them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.generations.fresh_codes import FreshCodes
from lgsid.generations.prefixes import Codes, first_change
from lgsid.generations.register import Register, Rows

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Staleness:
    """What n places have, and what they would get now.

    A place would get another semantic ID only where a free one is nearer to it, at the first code that differs, than
    its own. So one that had to move aside for another when it was published is not stale for that.

    Args:
        published: (n, L) semantic IDs.
        fresh: (n, L) those that they would get.
        codebook_sizes: With the fresh ones.
    """

    published: Codes
    fresh: Codes
    codebook_sizes: tuple[int, ...]

    @property
    def level(self) -> Rows:
        """First level (from 0) whose code would change, -1 where none would, (n,)."""
        return first_change(self.published, self.fresh)

    @classmethod
    def of(cls, fresh: FreshCodes, register: Register, rows: Rows) -> Staleness:
        """Find what places would get beside everything that is taken, until nobody would get a nearer one.

        Args:
            fresh: Codes of the places as they are now.
            register: All places.
            rows: (n,) rows of the places.

        Raises:
            LgsidError: if the tokenizer cannot place them.
        """
        taken, levels = register.relabeling.codes(register.taken), len(fresh.sizes)
        own, sizes = taken[rows], register.codebook_sizes
        best = own.copy()
        for places, codes in earlier_codes(register, rows, taken[len(register) :]):
            candidate = best.copy()
            candidate[places] = codes
            back = fresh.nearer(candidate, best)
            best[back] = candidate[back]
        while True:
            movers = (fresh.raw != best[:, :levels]).any(axis=1)
            if not movers.any():
                break
            proposed = best.copy()
            changed = (best != own).any(axis=1)
            proposed[movers], found = fresh.beside(movers, np.unique(np.concatenate([taken, best[changed]]), axis=0))
            better = movers & fresh.nearer(proposed, best)
            if not better.any():
                break
            best[better], sizes = proposed[better], tuple(map(max, zip(sizes, found, strict=True)))
        return cls(register.codes[rows], register.relabeling.labels(best), sizes)


def earlier_codes(register: Register, rows: Rows, left: Codes) -> Iterator[tuple[Rows, Codes]]:
    """Yield positions in `rows` and semantic IDs that these places left, one for each place at a time.

    Args:
        register: All places.
        rows: (n,) rows of places.
        left: (V, L) the codes that were left, in the tokenizer's labels.
    """
    position = np.full(len(register), -1)
    position[rows] = np.arange(len(rows))
    places = position[register.left_rows]
    places, left = places[places >= 0], left[places >= 0]
    order = np.argsort(places, kind="stable")
    places, left = places[order], left[order]
    number = np.arange(len(places)) - np.searchsorted(places, places)
    for turn in range(int(number.max(initial=-1)) + 1):
        yield places[number == turn], left[number == turn]
