"""Counts between pairs of items as sorted arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from lgsid.typing import Batch


@dataclass(frozen=True)
class ItemLinks(Batch):
    """E pairs of items with a count each, sorted by the first item; the links of an item follow each other."""

    first: Tensor  # (N + 1,) int64 where the links of each item begin
    item: Tensor  # (E,) int64 the second item
    count: Tensor  # (E,) float32

    @classmethod
    def of(cls, matrix: sparse.csr_matrix) -> Self:
        """Take the entries of a sparse matrix (N, N)."""
        matrix = matrix.sorted_indices()
        first, item = (torch.from_numpy(v.astype(np.int64)) for v in (matrix.indptr, matrix.indices))
        return cls(first, item, torch.from_numpy(matrix.data.astype(np.float32)))

    def from_items(self, origin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return all links of given items, one ragged gather.

        Args:
            origin: Shape (P,), item rows, -1 has no links.

        Returns:
            Position in `origin`, second item and count of each link, shape (Q,).
        """
        known = origin.clamp_min(0)
        begin = self.first[known]
        width = torch.where(origin >= 0, self.first[known + 1] - begin, 0)
        source = torch.repeat_interleave(torch.arange(len(origin), device=origin.device), width)
        entry = torch.arange(len(source), device=origin.device) - (width.cumsum(0) - width)[source] + begin[source]
        return source, self.item[entry], self.count[entry]
