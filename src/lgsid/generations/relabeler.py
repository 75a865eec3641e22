"""Choose labels for new codes so that the semantic IDs of the same places change least."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from lgsid.generations.prefixes import Codes, number_prefixes
from lgsid.generations.relabeling import LevelLabels, Relabeling, joined


class Relabeler(ABC):
    """Choose labels level by level, from the first one down, by the assignment problem.

    At each level the labels are those with which most places keep their prefix and, of equal choices, most keep the
    code of this level alone. The places are counted by new and old code, and the best one-to-one assignment of labels
    to new codes is found exactly (`scipy.optimize.linear_sum_assignment`).

    What is optimal: the share of places that keep their first code is the highest there is. At a deeper level it is
    the highest given the labels above. What is not: the labels above are not chosen for the sake of those below, so
    that the share of places that keep their whole semantic ID need not be the highest there is. An old code that is
    not below the size of the new codebook is nobody's label.
    """

    @abstractmethod
    def depth(self, level: int) -> int:
        """Return on how many earlier codes the labels of a level depend."""

    def relabeling(self, old: Codes, new: Codes, codebook_sizes: tuple[int, ...]) -> Relabeling:
        """Return labels for the codes `new: (N, L')` of places whose semantic IDs were `old: (N, L)`.

        Args:
            old: Published codes.
            new: Codes of the same places, as the new tokenizer gives them.
            codebook_sizes: Of the new codes, length L'.
        """
        kept = np.ones(len(old), dtype=bool)
        found: list[LevelLabels] = []
        for level in range(min(old.shape[1], new.shape[1])):
            depth = self.depth(level)
            labels = level_labels(old[:, level], new[:, level], new[:, :depth], kept, codebook_sizes[level])
            found.append(labels)
            kept = kept & (labels.of(new, level) == old[:, level])
        return Relabeling(tuple(found))


def level_labels(old: Codes, new: Codes, prefixes: Codes, kept: npt.NDArray[np.bool_], size: int) -> LevelLabels:
    """Return the labels of one level.

    Args:
        old: (N,) old codes.
        new: (N,) new codes.
        prefixes: (N, P) new codes on which the labels may depend.
        kept: (N,) whether the place kept its prefix so far.
        size: Number of codes.
    """
    groups = number_prefixes(prefixes)
    order = np.argsort(groups, kind="stable")
    parts = []
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(order) else []:
        if (old[rows] != new[rows]).any():
            codes, labels = best_labels(old[rows], new[rows], kept[rows], size)
            moved = codes != labels
            same = np.broadcast_to(prefixes[rows[0]], (int(moved.sum()), prefixes.shape[1]))
            parts.append(LevelLabels(same, codes[moved], labels[moved]))
    return joined(parts, prefixes.shape[1])


def best_labels(old: Codes, new: Codes, kept: npt.NDArray[np.bool_], size: int) -> tuple[Codes, Codes]:
    """Return the codes that occur below one prefix, old or new, and a label for each, out of the same codes.

    Args:
        old: (n,) old codes.
        new: (n,) new codes.
        kept: (n,) whether the place kept its prefix so far; such a place counts more than all others together.
        size: Number of codes; no old code from there on is a label.
    """
    possible = old < size
    codes = np.unique(np.concatenate([new, old[possible]]))
    one, other = np.searchsorted(codes, new[possible]), np.searchsorted(codes, old[possible])
    weight = np.where(kept[possible], len(new) + 1 if kept.any() and not kept.all() else 1, 1)
    worth = np.zeros((len(codes), len(codes)))
    np.add.at(worth, (one, other), weight)
    worth = worth * (len(codes) + 1) + np.eye(len(codes))  # of equal choices, a code that is its own label
    return codes, codes[linear_sum_assignment(worth, maximize=True)[1]]
