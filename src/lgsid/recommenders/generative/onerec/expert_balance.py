"""How the experts of a sparse layer are kept equally busy."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.errors import LgsidError


class ExpertBalance(Describable, nn.Module, ABC):
    """Steer the choice of experts in one layer; each layer has one of its own."""

    def build(self, n_experts: int) -> None:
        """Create what depends on the number of experts E."""

    @abstractmethod
    def preference(self, affinity: Tensor) -> Tensor:
        """Return by what the experts of M tokens are chosen, (M, E), from their affinities (M, E), which sum to one."""

    def loss(self, affinity: Tensor, share: Tensor) -> Tensor:
        """Return what is added to the loss of the model, a scalar.

        Args:
            affinity: Shape (M, E), of M tokens.
            share: Shape (E,), share of all choices that fell on each expert.
        """
        return affinity.new_zeros(())

    def update(self, share: Tensor) -> None:
        """Learn from a training step, in which `share` (E,) of all choices fell on each expert."""


class LossFreeBalance(ExpertBalance):
    """A bias per expert that counts in the choice alone, never in the gate: no gradient, no auxiliary loss.

    After each training step it rises by `rate` for experts that were chosen less than the mean and falls for those that
    were chosen more (Wang et al. 2024, arXiv 2408.15664; DeepSeek-V3; OneRec's technical report, arXiv 2506.13695).

    Args:
        rate: Size of a step of the bias, in units of the affinities.
    """

    bias: Tensor  # (E,) float32

    def __init__(self, rate: float = 0.001) -> None:
        super().__init__()
        if not rate >= 0:
            raise LgsidError(f"LossFreeBalance: rate must be at least 0, not {rate}")
        self.rate = rate

    def build(self, n_experts: int) -> None:
        """Create the bias."""
        self.register_buffer("bias", torch.zeros(n_experts))

    def preference(self, affinity: Tensor) -> Tensor:
        """Return the affinities with the bias added."""
        return affinity + self.bias

    def update(self, share: Tensor) -> None:
        """Move the bias of every expert one step towards equal shares."""
        self.bias += self.rate * torch.sign(1 / len(share) - share)


class BalanceLoss(ExpertBalance):
    """The usual auxiliary loss: `weight * E sum_e f_e P_e`, f the shares of choices, P the mean affinities.

    Shazeer et al. 2017 and Fedus et al. 2021 (Switch Transformers, arXiv 2101.03961, equation 4). Its value is `weight`
    where the experts are equally busy.

    Args:
        weight: Weight of the loss (alpha).
    """

    def __init__(self, weight: float = 0.01) -> None:
        super().__init__()
        self.weight = weight

    def preference(self, affinity: Tensor) -> Tensor:
        """Return the affinities."""
        return affinity

    def loss(self, affinity: Tensor, share: Tensor) -> Tensor:
        """Return the weighted product of shares and mean affinities; the gradient flows through the affinities."""
        return self.weight * len(share) * (share * affinity.mean(0)).sum()
