"""How a ranking model sees semantic IDs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn


class SidFeatures(nn.Module, ABC):
    """Turn the codes of items into vectors of `dim` values. `build` is called once the codebook sizes are known."""

    dim: int = 0
    needs_sids: bool = True

    @abstractmethod
    def build(self, codebook_sizes: Sequence[int]) -> None:
        """Create the tables for L levels and set `dim`."""

    @abstractmethod
    def forward(self, codes: Tensor) -> Tensor:
        """Return the features of codes (..., L) int64, shape (..., dim)."""
