"""Name each code together with all codes before it."""

from __future__ import annotations

import numpy as np
import torch

from lgsid.functional.sids import group_rows
from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, CollisionStrategy, Resolved
from lgsid.tokenizers.nearest_free_code import NearestFreeCode


class PrefixCodes(CollisionStrategy):
    """Resolve collisions by another strategy, then give every prefix a code of its own: prefix n-grams as codes.

    Level l numbers the distinct prefixes of l codes in their sorted order. The tree of semantic IDs stays as it is; a
    generator learns a vector for each prefix where it had one for each code of a level. Click models have the same as
    features (`PrefixSids`, `NgramSids`), on codes of any tokenizer.

    Source: prefix n-grams (arXiv 2306.08121, 2504.02137), which hash prefixes to a table of fixed size; numbers without
    collisions are ours, since two children of a prefix that share a code would be one.

    Args:
        inner: Strategy for items that share all codes; `NearestFreeCode` if not given.
    """

    def __init__(self, inner: CollisionStrategy | None = None) -> None:
        self.inner = inner or NearestFreeCode()

    def check(self, n_items: int, codebook_sizes: tuple[int, ...]) -> None:
        """Raise an LgsidError if the inner strategy would."""
        self.inner.check(n_items, codebook_sizes)

    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return the inner strategy's codes, and the numbers of their prefixes as names, (N, L') each."""
        found = self.inner.resolve(codes, codebook_sizes, distances)
        own = torch.from_numpy(found.codes)
        numbers = np.stack([group_rows(own[:, :depth]).numpy() for depth in range(1, own.shape[1] + 1)], axis=1)
        return Resolved(found.codes, found.codebook_sizes, numbers, tuple(len(np.unique(row)) for row in numbers.T))
