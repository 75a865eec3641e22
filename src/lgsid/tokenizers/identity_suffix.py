"""Tell items apart by a last code of their own."""

from __future__ import annotations

import numpy as np

from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, CollisionStrategy, Resolved


class IdentitySuffix(CollisionStrategy):
    """Append a level with a code for each item, the position of its id among all: semantic codes and a plain item ID.

    A model shares what it learns of the semantic codes and keeps what is the item's own in the last one;
    `CounterSuffix` gives that code to many items. The semantic IDs are unique.

    Source: the unified semantic and ID tokens of arXiv 2502.16474, which give the ID a small vector in a model that is
    trained with the tokenizer; as a last code of semantic IDs they are our reading.
    """

    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return `codes` with one more level of N codes, (N, L + 1)."""
        return Resolved(np.column_stack([codes, np.arange(len(codes))]), (*codebook_sizes, len(codes)))

    def extend(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances, taken: Codes) -> Resolved:
        """Return `codes` with one more level, which numbers on from the highest code that is taken, (N, L + 1)."""
        first = int(taken[:, -1].max(initial=-1)) + 1
        numbers = np.arange(first, first + len(codes))
        return Resolved(np.column_stack([codes, numbers]), (*codebook_sizes, first + len(codes)))
