"""The contract of a loss on codebooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from lgsid.construction import Describable


class CodebookLoss(Describable, nn.Module, ABC):
    """Say what is wrong with codebooks beside the error of the vectors, such as codes that nobody uses.

    `LearnedCodebooks` adds it to its own loss. It is a mean over the levels, and has a gradient towards the codebooks:
    a loss of counted codes (`bincount`, `argmin`) has none.
    """

    @abstractmethod
    def forward(self, residuals: Sequence[Tensor], codebooks: Sequence[Tensor], codes: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            residuals: L tensors (B, D), what each level sees, without a gradient towards earlier codebooks.
            codebooks: L tensors (K_l, D).
            codes: (B, L) int64, the code chosen at each level.
        """
