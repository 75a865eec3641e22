"""Detect chains by their names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lgsid.datasets.normalize_name import normalize_name

STORE_NUMBER = re.compile(r"\s*(?:#|no\.?\s|nr\.?\s|store\s|unit\s|branch\s)\s*\d+\w*.*$", re.IGNORECASE)
AFTER_NAME = re.compile(r"\s*(?:[(\[@|].*|\s[-\u2013\u2014]\s.*|,\s.*)$")
# Words for the kind of a place, not for its brand.
KINDS = """
a and at atm bakery bank bar bbq bistro books burger burgers cafe center centre co coffee company corp deli
department donut donuts drugs drugstore express fitness food foods grill grocery gym house inc juice kitchen llc ltd
market mart pharmacy pizza pizzeria place restaurant restaurants salon shop shops sandwich spa steakhouse store stores
supermarket supermarkets sushi tea the theater theatre
"""
# Words that are no brand on their own, however frequent.
COMMON = """
apartment apartments avenue barber beach beauty building bus business chinese church city cleaners corner court
dental dentist doctor dry east elementary field floor garage garden gas hair hall high home hospital hotel
international italian japanese laundromat laundry library liquor liquors lobby lot main mall metro mexican middle my
nail nails new north office offices park parking playground pool post private public room school south square stairs
station stop street studio terminal thai track train university wc west wine wines work york
"""
CELLS_PER_DEGREE = 1000  # branches less than about 100 m apart count as one


def singular(word: str) -> str:
    """Return a word without a plural or possessive "s"."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


KIND_WORDS = frozenset(map(singular, KINDS.split()))
COMMON_WORDS = KIND_WORDS | frozenset(map(singular, COMMON.split()))


@dataclass
class Brands:
    """Detect brands: names that places at several positions share.

    Names are compared as words, without case, accents, punctuation and plural; store numbers ("#1234") and what follows
    a bracket, an "@" or a dash between spaces are left out. A longer name joins a shorter brand when it only adds words
    that say what kind of place it is: "Starbucks Coffee" joins "Starbucks", which is found often enough by itself.
    A name made of nothing but such words, of common ones, or of its own category ("Bus Stop") is no brand, and neither
    is that of a place whose category says "(private)".

    Args:
        min_branches: Minimum number of distinct positions (about 100 m apart) of a brand.
    """

    min_branches: int = 3

    def assign(
        self,
        names: npt.NDArray[np.object_],
        categories: npt.NDArray[np.object_],
        lat_deg: npt.NDArray[np.float64],
        lon_deg: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.object_]:
        """Return the brand of each of N places, shape (N,), empty if it belongs to no chain.

        Args:
            names: Shape (N,), empty where unknown.
            categories: Shape (N,).
            lat_deg: Shape (N,).
            lon_deg: Shape (N,).
        """
        keys = [self.key(str(n), str(c)) for n, c in zip(names, categories, strict=True)]
        cells = np.stack([np.rint(lat_deg * CELLS_PER_DEGREE), np.rint(lon_deg * CELLS_PER_DEGREE)], axis=1)
        positions: defaultdict[tuple[str, ...], set[tuple[int, int]]] = defaultdict(set)
        for key, (y, x) in zip(keys, cells.astype(np.int64).tolist(), strict=True):
            if key:
                positions[key].add((y, x))
        chains = {key for key, cells_of in positions.items() if len(cells_of) >= self.min_branches}
        brand_of = {key: _shortest(key, chains) for key in positions}
        shown: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for name, key in zip(names, keys, strict=True):
            if key and brand_of[key] == key:
                shown[key][_clean(str(name))] += 1
        labels = {key: min(count, key=lambda n: (-count[n], n)) for key, count in shown.items()}
        return np.array([labels[b] if (b := brand_of.get(key)) else "" for key in keys], dtype=object)

    def key(self, name: str, category: str) -> tuple[str, ...]:
        """Return the normalized words by which names are compared; empty if the name cannot be a brand."""
        own = set(map(singular, normalize_name(category)))
        if "private" in own:
            return ()
        words = tuple(map(singular, normalize_name(_clean(name))))
        if len(words) > 1 and words[0] == "the":
            words = words[1:]
        if all(w in COMMON_WORDS or w.isdigit() for w in words):
            return ()
        return () if words and set(words) <= own else words


def _clean(name: str) -> str:
    """Remove store numbers and what follows the name itself."""
    cleaned = AFTER_NAME.sub("", STORE_NUMBER.sub("", name)).strip()
    return cleaned or name.strip()


def _shortest(key: tuple[str, ...], chains: set[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the shortest chain that `key` extends by kind words only; empty if it belongs to no chain."""
    for length in range(1, len(key)):
        if key[:length] in chains and all(w in KIND_WORDS for w in key[length:]):
            return key[:length]
    return key if key in chains else ()
