"""Tell colliding items apart by a further code that counts them."""

from __future__ import annotations

import numpy as np
import torch

from lgsid.functional.sids import group_rows
from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, CollisionStrategy, Resolved, of_first_codes


class CounterSuffix(CollisionStrategy):
    """Append a level that numbers the items of equal codes: 0, 1, 2 ... in the order of their ids.

    Every item gets the level, 0 where nothing collides; it has as many codes as the most crowded semantic ID has
    items. The semantic IDs are unique.

    Source: TIGER (arXiv 2305.05065), section 3.1.
    """

    by_first_code = True

    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return `codes` with one more level, (N, L + 1)."""
        return self.extend(codes, codebook_sizes, distances, np.zeros((0, codes.shape[1] + 1), dtype=np.int64))

    def extend(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances, taken: Codes) -> Resolved:
        """Return `codes` with one more level, which counts on from the highest number that is taken, (N, L + 1)."""
        n_items, largest = len(codes), int(taken[:, -1].max(initial=-1))
        taken = of_first_codes(codes, taken)
        groups = group_rows(torch.from_numpy(np.concatenate([codes, taken[:, :-1]]))).numpy()
        own, counts = groups[:n_items], np.bincount(groups[:n_items])
        first = np.zeros(int(groups.max(initial=-1)) + 1, dtype=np.int64)
        np.maximum.at(first, groups[n_items:], taken[:, -1] + 1)
        order = np.argsort(own, kind="stable")
        starts = np.cumsum(counts) - counts
        counter = np.empty(n_items, dtype=np.int64)
        counter[order] = np.arange(n_items) - starts[own[order]]
        counter += first[own]
        highest = max(int(counter.max(initial=-1)), largest)
        return Resolved(np.column_stack([codes, counter]), (*codebook_sizes, highest + 1))
