"""Residual quantization as pure functions: codebooks in, codes and distances out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lgsid.functional.kmeans import MAX_ROWS, block_rows, two_least


def squared_distances(x: Tensor, centroids: Tensor) -> Tensor:
    """Return squared Euclidean distances in float64, `x: (B, D)`, `centroids: (K, D)` -> `(B, K)`."""
    x, centroids = x.double(), centroids.double()
    cross = x @ centroids.T
    squares = x.square().sum(-1, keepdim=True) + centroids.square().sum(-1)
    return (squares - 2 * cross).clamp_min(0.0)


@torch.no_grad()
def nearest(x: Tensor, centroids: Tensor) -> Tensor:
    """Return the row of the nearest of `centroids: (K, D)` for each of `x: (B, D)`, `(B,)` int64.

    Searched in float32; where rounding could have decided between the two nearest ones, decided in float64. So a row
    has the same code whatever else the batch holds, and the first of several equally near ones is chosen.
    """
    codes = torch.empty(len(x), dtype=torch.int64, device=x.device)
    with torch.autocast(x.device.type, enabled=False):
        book = centroids.float()
        squares = book.square().sum(dim=1)
        rounding = 2.0**-23 if torch.get_float32_matmul_precision() == "highest" else 2.0**-8
        unit, largest = (x.shape[1] + 8) * rounding, squares.max()
        rows = block_rows(len(book))
        for points, part in zip(torch.split(x, rows), torch.split(codes, rows), strict=True):
            block = points.float()
            scores = torch.addmm(squares, block, book.T, alpha=-2)
            index, best, second = two_least(scores)
            doubt = unit * (largest + 2 * block.norm(dim=1) * largest.sqrt())
            close = (~(second - best > doubt)).nonzero()[:, 0]
            index[close] = squared_distances(points[close], centroids).argmin(dim=-1)
            part.copy_(index)
    return codes


def most_similar(x: Tensor, centroids: Tensor) -> Tensor:
    """Return the row of `centroids: (K, D)` of the largest cosine with each of `x: (B, D)`, `(B,)` int64."""
    return nearest(normalize(x, dim=-1), normalize(centroids, dim=-1))


def mean_square(x: Tensor) -> Tensor:
    """Return the mean squared norm of the rows of `x: (N, D)`, at least 1e-12, without a copy of them."""
    return torch.stack([part.square().sum() for part in torch.split(x, MAX_ROWS)]).sum().div(len(x)).clamp_min(1e-12)


def residual_encode(x: Tensor, codebooks: Sequence[Tensor], cosine_levels: int = 0) -> tuple[Tensor, list[Tensor]]:
    """Quantize level by level: `z_l = argmin_k |R_{l-1} - mu_k|^2`, `Q_l = mu_{z_l}`, `R_l = R_{l-1} - Q_l`.

    Args:
        x: (B, D), `R_0`.
        codebooks: L tensors (K_l, D).
        cosine_levels: How many of the first levels choose `z_l = argmax_k cos(R_{l-1}, mu_k)` instead.

    Returns:
        The codes (B, L) and the residuals `R_0 .. R_L`, each (B, D), with gradients towards the codebooks.
    """
    residuals, codes = [x], []
    for level, codebook in enumerate(codebooks):
        choose = most_similar if level < cosine_levels else nearest
        code = choose(residuals[-1], codebook)
        codes.append(code)
        residuals.append(residuals[-1] - codebook[code])
    return torch.stack(codes, dim=-1), residuals


def residual_decode(codes: Tensor, codebooks: Sequence[Tensor]) -> Tensor:
    """Sum the codewords of `codes: (B, L)` over the levels, `(B, D)`."""
    return torch.stack([book[codes[:, level]] for level, book in enumerate(codebooks)]).sum(dim=0)


def residual_distances(
    x: Tensor, codebooks: Sequence[Tensor], codes: Tensor, level: int, cosine_levels: int = 0
) -> Tensor:
    """Return the squared distance of the residual before `level` to each of its codes, `(B, K_level)`.

    At the first `cosine_levels` levels it is that of the directions, `2 - 2 cos`.
    """
    rest = x - residual_decode(codes, codebooks[:level]) if level else x
    if level < cosine_levels:
        return squared_distances(normalize(rest, dim=-1), normalize(codebooks[level], dim=-1))
    return squared_distances(rest, codebooks[level])


def soft_assignment(residual: Tensor, centroids: Tensor, temperature: float) -> Tensor:
    """Return softmax assignments `(B, K)`: `p_k ~ exp(-|R - mu_k|^2 / (temperature * s))`.

    The scale `s` is the batch mean of the squared distance to the nearest centroid, without a gradient, so that
    `temperature` means the same at every level and for vectors of any length.
    """
    squares = torch.cdist(residual, centroids, compute_mode="use_mm_for_euclid_dist").square()
    scale = squares.detach().amin(dim=-1).mean().clamp_min(1e-12)
    return torch.softmax(-squares / (temperature * scale), dim=-1)


def usage_entropy(assignment: Tensor) -> Tensor:
    """Return the entropy of the batch-mean assignment `(B, K)`, as a share of its maximum `log K`.

    It has a gradient, unlike an entropy of counted hard codes (`bincount`), which has none.
    """
    mean = assignment.mean(dim=0)
    entropy = -(mean * mean.clamp_min(1e-12).log()).sum()
    return entropy / max(float(torch.log(torch.tensor(float(len(mean))))), 1e-12)
