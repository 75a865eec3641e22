"""Residual finite scalar quantization: no codebook to learn, so none to collapse."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import vector_quantize_pytorch as vq
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.residual import mean_square, residual_distances
from lgsid.quantizers.kmeans import training_rows
from lgsid.quantizers.quantizer import Quantized, Quantizer


class ResidualFSQ(Quantizer):
    """Wrap `vector_quantize_pytorch.ResidualFSQ`: round a few learned projections to a grid, level by level.

    Every level has the same grid, so all codebook sizes are equal: the product of `grid`. Only the linear
    projections in and out learn, from the reconstruction error.

    Source: finite scalar quantization (arXiv 2309.15505).

    Args:
        grid: Steps of each scalar; a code is a cell of the grid. If not given, a grid that has as many cells as the
            tokenizer asks for codes.
        n_levels: Number of levels L, with `grid`.
        seed: Random seed for the projections.
    """

    mean_square: Tensor

    def __init__(self, grid: Sequence[int] | None = None, n_levels: int = 2, seed: int = 0) -> None:
        if grid is not None and (not grid or any(steps < 2 for steps in grid)):
            raise LgsidError(f"ResidualFSQ: every number of grid must be at least 2, got {list(grid)}")
        super().__init__(None if grid is None else [math.prod(grid)] * n_levels)
        self.grid = () if grid is None else tuple(grid)
        self.seed = seed

    def take_codebook_sizes(self, codebook_sizes: Sequence[int]) -> None:
        """Take the sizes that a tokenizer sets, and find a grid for them."""
        super().take_codebook_sizes(codebook_sizes)
        if not self.grid:
            sizes = set(self.codebook_sizes)
            self.grid = grid_of(min(sizes))
            if len(sizes) > 1 or math.prod(self.grid) != min(sizes):
                raise LgsidError(
                    f"ResidualFSQ: cannot have {list(codebook_sizes)} codes; all its levels have the same number, a"
                    " product of numbers from 2 to 8, such as 64 or 125"
                )

    def build(self, dim: int) -> None:
        """Create the wrapped module."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.fsq = vq.ResidualFSQ(levels=list(self.grid), num_quantizers=len(self.codebook_sizes), dim=dim)
        self.register_buffer("mean_square", torch.ones(()))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Point the projections along the principal axes of `x: (N, D)`, scaled to fill the grid."""
        self.mean_square.copy_(mean_square(x))
        width = len(self.grid)
        if not self.fsq.has_projections or len(x) < width:
            return
        sample = x[training_rows(len(x), self.codebook_sizes[0], self.seed).to(x.device)]
        mean = sample.double().mean(dim=0)
        centered = sample.double() - mean
        variances, axes = torch.linalg.eigh(centered.T @ centered / max(1, len(sample) - 1))
        axes, variances = axes.T.flip(0)[:width], variances.flip(0)[:width]
        axes = (axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()).to(x)
        mean, scale = mean.to(x), variances.to(x).clamp_min(1e-12).sqrt() * 1.5
        self.fsq.project_in.weight.copy_(axes / scale[:, None])
        self.fsq.project_in.bias.copy_(-(axes / scale[:, None]) @ mean)
        self.fsq.project_out.weight.copy_(axes.T * scale)
        self.fsq.project_out.bias.copy_(mean)

    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)`; the loss is the squared error over the mean squared norm of the fitted vectors."""
        rebuilt, codes = self.fsq(x[None])
        loss = (x - rebuilt[0]).square().sum(dim=-1).mean() / self.mean_square
        return Quantized(rebuilt[0], codes[0].long(), loss, {"reconstruction": loss})

    def decode(self, codes: Tensor) -> Tensor:
        """Return the vectors that `codes: (B, L)` stand for."""
        decoded: Tensor = self.fsq.get_output_from_indices(codes[None])[0]
        return decoded

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Return squared distances in the grid between what earlier levels leave over and the cells of `level`."""
        inner = self.fsq.project_in(x)
        clamp = self.fsq.soft_clamp_input_value
        inner = inner if clamp is None else (inner / clamp).tanh() * clamp
        books = [book * scale for book, scale in zip(self.fsq.codebooks, self.fsq.scales, strict=True)]
        return residual_distances(inner, books, codes, level)


def grid_of(size: int) -> tuple[int, ...]:
    """Return numbers from 4 to 8 (or 2, 3 where that is all there is) whose product is `size`, or () if none are."""
    if size == 1:
        return ()
    for steps in (4, 5, 6, 7, 8, 3, 2):
        if size % steps == 0 and (size == steps or grid_of(size // steps)):
            return tuple(sorted((steps, *grid_of(size // steps)), reverse=True))
    return ()
