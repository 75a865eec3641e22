"""Nearest vectors by an inverted file: only the vectors in cells near the query are compared with it."""

from __future__ import annotations

import faiss
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.errors import LgsidError
from lgsid.functional.neighborhood import nearest_vectors
from lgsid.neighbors import NeighborIndex
from lgsid_faiss.one_thread import one_thread

K_MEANS_PASSES, POINTS_PER_CELL = 10, 64  # cells need not be the best ones; more of either takes longer than it saves


class IVFNeighbors(NeighborIndex):
    """Divide the vectors into cells by k-means, and compare a query with those in the cells nearest to it.

    It misses neighbors that lie in other cells: more probes find more of them and take longer. A query whose cells hold
    too few vectors is compared with all.

    Source: the inverted file (IVFFlat) of faiss; Sivic and Zisserman, "Video Google" (ICCV 2003).

    Args:
        n_lists: Number of cells; the square root of the number of vectors if not given.
        n_probe: Cells that a query looks into; with as many as there are, the search is exact.
        seed: Random seed of k-means.
    """

    def __init__(self, n_lists: int | None = None, n_probe: int = 16, seed: int = 0) -> None:
        if n_probe < 1 or (n_lists is not None and n_lists < 1):
            raise LgsidError(f"IVFNeighbors: n_lists and n_probe must be positive, got {n_lists} and {n_probe}")
        self.n_lists = n_lists
        self.n_probe = n_probe
        self.seed = seed

    def nearest(self, vectors: Tensor, k: int, rows: Tensor | None = None) -> Tensor:
        """Return k near other rows of each row by cosine, see `NeighborIndex.nearest`; some nearest may be missed.

        Raises:
            LgsidError: if a vector is not finite.
        """
        rows = torch.arange(len(vectors), device=vectors.device) if rows is None else rows
        k = max(min(k, len(vectors) - 1), 0)
        if not k or not len(rows):
            return rows.new_empty(len(rows), k)
        unit = F.normalize(vectors.detach().float(), dim=1).cpu().numpy()
        if not np.isfinite(unit).all():
            raise LgsidError("IVFNeighbors: a vector is not finite; see which items have NaN or infinite vectors")
        own = rows.cpu().numpy()
        found = self.index(unit).search(unit[own], k + 1)[1].astype(np.int64)
        drop = found == own[:, None]
        drop[~drop.any(axis=1), -1] = True  # more others than k share its vector
        result = torch.from_numpy(found[~drop].reshape(len(own), k)).to(vectors.device)
        few = (result < 0).any(dim=1).nonzero()[:, 0]
        if len(few):
            result[few] = nearest_vectors(vectors, k, rows=rows[few])
        return result

    def index(self, unit: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> faiss.IndexIVFFlat:
        """Return the faiss index of vectors of length one, (N, D), by inner product."""
        n, dim = unit.shape
        n_lists = min(self.n_lists or max(1, round(n**0.5)), n)
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, n_lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed, index.cp.spherical, index.cp.niter = self.seed, True, K_MEANS_PASSES
        index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, POINTS_PER_CELL
        with one_thread():
            index.train(unit)
            index.add(unit)
        index.nprobe = min(self.n_probe, n_lists)
        return index
