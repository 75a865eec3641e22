"""Tell colliding items apart by a further code that counts them."""

from __future__ import annotations

import numpy as np
import torch

from lgsid.functional.sids import group_rows
from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, CollisionStrategy, Resolved


class CounterSuffix(CollisionStrategy):
    """Append a level that numbers the items of equal codes: 0, 1, 2 ... in the order of their ids.

    Every item gets the level, 0 where nothing collides; it has as many codes as the most crowded semantic ID has
    items. The semantic IDs are unique.

    Source: TIGER (arXiv 2305.05065), section 3.1.
    """

    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return `codes` with one more level, (N, L + 1)."""
        groups = group_rows(torch.from_numpy(codes)).numpy()
        counts = np.bincount(groups)
        order = np.argsort(groups, kind="stable")
        starts = np.cumsum(counts) - counts
        counter = np.empty(len(codes), dtype=np.int64)
        counter[order] = np.arange(len(codes)) - starts[groups[order]]
        return Resolved(np.column_stack([codes, counter]), (*codebook_sizes, int(counts.max())))
