"""Experts that are equally liked."""

from __future__ import annotations

from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders import ExpertBalance


class PartName(ExpertBalance):
    """The importance loss: `weight` times the squared coefficient of variation of the mean affinities.

    `weight * E sum_e (P_e - 1/E)^2`: 0 where tokens like all experts alike on average.

    Source: Shazeer et al. 2017, arXiv 1701.06538, equation 7.

    Args:
        weight: Weight of the loss.
    """

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__()
        if not weight >= 0:
            raise LgsidError(f"PartName: weight must be at least 0, not {weight}")
        self.weight = weight

    def preference(self, affinity: Tensor) -> Tensor:
        """Return by what the experts of M tokens are chosen, (M, E): their affinities, (M, E)."""
        return affinity

    def loss(self, affinity: Tensor, share: Tensor) -> Tensor:
        """Return the loss, a scalar, of affinities (M, E); the shares of choices (E,) are not needed."""
        n_experts = affinity.shape[1]
        return self.weight * n_experts * (affinity.mean(0) - 1 / n_experts).square().sum()
