"""Codes of a level that point in different directions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.quantizers import CodebookLoss


class PartName(CodebookLoss):
    """Keep the codes of a level orthogonal: the mean squared cosine of two different ones.

    0 where all are orthogonal, 1 where all lie on one line.

    Source: the orthogonality loss of Shin et al., arXiv 2112.00384.
    """

    def forward(self, residuals: Sequence[Tensor], codebooks: Sequence[Tensor], codes: Tensor) -> Tensor:
        """Return the mean over the levels, a scalar.

        Args:
            residuals: L tensors (B, D), what each level sees of the B items.
            codebooks: L tensors (K_l, D).
            codes: (B, L) int64, the code chosen at each level.
        """
        levels = []
        for codebook in codebooks:
            unit = F.normalize(codebook, dim=1)
            cosine = unit @ unit.T  # (K, K)
            others = ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
            levels.append((cosine.square() * others).sum() / others.sum().clamp_min(1))
        return torch.stack(levels).mean()
