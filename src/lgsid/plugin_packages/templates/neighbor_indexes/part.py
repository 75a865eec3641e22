"""Nearest vectors by a shortlist in fewer dimensions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.errors import LgsidError
from lgsid.neighbors import ExactNeighbors, NeighborIndex


class PartName(NeighborIndex):
    """Compare all vectors along their principal directions, and the best of those in full.

    It misses neighbors that are far along the principal directions alone.

    Args:
        n_directions: Dimensions in which all are compared.
        shortlist: How many times as many as asked for are compared in full.
    """

    def __init__(self, n_directions: int = 8, shortlist: int = 4) -> None:
        if n_directions < 1 or shortlist < 1:
            raise LgsidError(
                f"PartName: n_directions and shortlist must be at least 1, not {n_directions} and {shortlist}"
            )
        self.n_directions, self.shortlist = n_directions, shortlist

    def nearest(self, vectors: Tensor, k: int, rows: Tensor | None = None) -> Tensor:
        """Return the k nearest other rows by cosine, nearest first.

        Args:
            vectors: Shape (N, D).
            k: Number of neighbors; at most N - 1 are returned.
            rows: Rows whose neighbors are searched, shape (Q,) int64; every row if none.

        Returns:
            Rows, shape (Q, min(k, N - 1)), int64.
        """
        unit = F.normalize(vectors.float(), dim=1)
        directions = torch.linalg.eigh(unit.T @ unit).eigenvectors[:, -self.n_directions :]  # (D, n_directions)
        found = ExactNeighbors().nearest(unit @ directions, self.shortlist * k, rows)  # (Q, C)
        queries = unit if rows is None else unit[rows]
        cosines = torch.empty_like(found, dtype=unit.dtype)
        for place in range(found.shape[1]):  # a column at a time, (Q, D) each
            cosines[:, place] = (queries * unit[found[:, place]]).sum(1)
        return found.gather(1, cosines.argsort(dim=1, descending=True, stable=True)[:, :k])
