"""Use all codes of a level alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.residual import soft_assignment
from lgsid.quantizers.codebook_loss import CodebookLoss


class EvenUse(CodebookLoss):
    """Keep the use of codes even: the squared coefficient of variation of their soft counts over the batch.

    `mean_k (n_k - B / K)^2 / (B / K)^2` with `n_k = sum_i softmax_k(-|r_i - e_k|^2 / s)`: 0 where all codes are used
    alike, `K - 1` where one has all.

    Source: the diversity loss of GNPR-SID (arXiv 2506.01375) as in its released code; the first release counts
    hard codes, which have no gradient, and the scale s of the soft assignment is ours.

    Args:
        temperature: Softness of the assignment, in units of the mean squared distance to the nearest code.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise LgsidError(f"EvenUse: temperature must be positive, not {temperature}")
        self.temperature = temperature

    def forward(self, residuals: Sequence[Tensor], codebooks: Sequence[Tensor], codes: Tensor) -> Tensor:
        """Return the mean over the levels."""
        uneven = []
        for residual, codebook in zip(residuals, codebooks, strict=True):
            share = soft_assignment(residual, codebook, self.temperature).mean(dim=0)
            uneven.append((share * len(codebook) - 1.0).square().mean())
        return torch.stack(uneven).mean()
