"""Optimized product quantization: a rotation, and one codebook for each part of the rotated vector."""

from __future__ import annotations

from collections.abc import Sequence

import faiss
import numpy as np
import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.residual import nearest, squared_distances
from lgsid.quantizers import Quantized, Quantizer
from lgsid_faiss.one_thread import one_thread


class OPQ(Quantizer):
    """Rotate vectors, split them into L parts, and quantize each part with its own k-means codebook.

    faiss trains rotation and codebooks; encoding and decoding are torch on buffers, so that a checkpoint holds no
    faiss index. The parts are ordered by their variance, largest first: the first code says most of the vector. Codes
    of different levels are independent of each other, as codes of residuals are not.

    Where the width of the vectors is no multiple of L, the rotation leads to the next one.

    Source: Ge, He, Ke and Sun, "Optimized Product Quantization for Approximate Nearest Neighbor Search" (CVPR 2013),
    the non-parametric form; product quantization: Jégou, Douze and Schmid (TPAMI 2011).

    Args:
        codebook_sizes: Number of codes of each level, the same power of two for all, from 2 to 65,536; those of the
            tokenizer if not given.
        n_iter: Alternations between codebooks and rotation.
        kmeans_iter: Maximum number of passes of the final k-means of each part.
        seed: Random seed of the final k-means.
    """

    rotation: Tensor  # (P, D), P = L * S
    centroids: Tensor  # (L, K, S)

    def __init__(
        self, codebook_sizes: Sequence[int] | None = None, n_iter: int = 30, kmeans_iter: int = 25, seed: int = 0
    ) -> None:
        super().__init__(codebook_sizes)
        if n_iter < 1 or kmeans_iter < 1:
            raise LgsidError(f"OPQ: n_iter and kmeans_iter must be positive, got {n_iter} and {kmeans_iter}")
        self.n_iter = n_iter
        self.kmeans_iter = kmeans_iter
        self.seed = seed

    def build(self, dim: int) -> None:
        """Create a rotation that changes nothing, and centroids that are small and random, until `fit` is called.

        Raises:
            LgsidError: if the levels have different numbers of codes, or they are no power of two.
        """
        sizes = self.codebook_sizes
        if len(set(sizes)) > 1 or sizes[0] not in {2**bits for bits in range(1, 17)}:
            raise LgsidError(
                f"OPQ: cannot have {list(sizes)} codes; all its levels have the same number, a power of two from 2 to"
                " 65,536"
            )
        part = -(-dim // len(sizes))
        generator = torch.Generator().manual_seed(self.seed)
        self.register_buffer("rotation", torch.eye(part * len(sizes), dim))
        self.register_buffer("centroids", 0.01 * torch.randn(len(sizes), sizes[0], part, generator=generator))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Train rotation and codebooks on `x: (N, D)`; of fewer rows than codes or columns, each is seen several times.

        Raises:
            LgsidError: if a vector is not finite.
        """
        levels, codes, part = self.centroids.shape
        points = np.ascontiguousarray(x.detach().cpu().float().numpy())
        if not np.isfinite(points).all():
            raise LgsidError("OPQ: a vector is not finite; see which items have NaN or infinite vectors")
        if not len(points):
            return
        needed = max(codes, levels * part)  # of fewer rows than columns, faiss writes beyond its memory
        if len(points) < needed:
            points = np.resize(points, (needed, points.shape[1]))
        with one_thread():
            first, book = (faiss.ProductQuantizer(levels * part, levels, codes.bit_length() - 1) for _ in range(2))
            first.cp.min_points_per_centroid = book.cp.min_points_per_centroid = 1
            book.cp.seed, book.cp.niter = self.seed, self.kmeans_iter
            matrix = faiss.OPQMatrix(points.shape[1], levels, levels * part)
            matrix.niter, matrix.pq = self.n_iter, first  # without it, the rotation is optimized for 256 codes
            matrix.train(points)
            rotated = matrix.apply(points)
            book.train(rotated)
        rotation = faiss.vector_to_array(matrix.A).reshape(levels, part, -1)
        centroids = faiss.vector_to_array(book.centroids).reshape(levels, codes, part)
        order = np.argsort(-rotated.var(axis=0, dtype=np.float64).reshape(levels, part).sum(axis=1), kind="stable")
        self.rotation.copy_(torch.from_numpy(rotation[order].reshape(levels * part, -1)))
        self.centroids.copy_(torch.from_numpy(centroids[order]))

    def parts(self, x: Tensor) -> Tensor:
        """Return the rotated vectors of `x: (B, D)` by part, (L, B, S) float64."""
        rotated = x.double() @ self.rotation.double().T
        return rotated.reshape(len(x), len(self.centroids), -1).transpose(0, 1)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)`; the loss is the mean squared error, without a gradient."""
        found = [nearest(part, book) for part, book in zip(self.parts(x), self.centroids, strict=True)]
        codes = torch.stack(found, dim=1)
        rebuilt = self.decode(codes)
        loss = (x - rebuilt).square().sum(dim=-1).mean()
        return Quantized(rebuilt, codes, loss, {"reconstruction": loss})

    def decode(self, codes: Tensor) -> Tensor:
        """Return the centroids of `codes: (B, L)`, put together and rotated back, (B, D)."""
        levels = torch.arange(len(self.centroids), device=codes.device)
        return self.centroids[levels, codes].flatten(1) @ self.rotation

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances of one part of the rotated vectors to its codes, `(B, K)`."""
        return squared_distances(self.parts(x)[level], self.centroids[level])
