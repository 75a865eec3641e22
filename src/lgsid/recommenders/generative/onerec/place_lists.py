"""Lists of places that a generator has decoded."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lgsid.typing import Batch


@dataclass(frozen=True)
class PlaceLists(Batch):
    """W lists of up to m places for each of B queries, the most probable list first."""

    items: Tensor  # (B, W, m) int64 item rows, none twice in a list; -1 behind the end of a list
    steps: Tensor  # (B, W, m) float32 log-probability of each place after those before it, 0 behind the end
    log_prob: Tensor  # (B, W) float32 of the list, the sum of its steps; minus infinity where there are fewer lists

    @property
    def listed(self) -> Tensor:
        """Which lists there are, shape (B, W) bool."""
        return self.log_prob.isfinite() & (self.items[..., 0] >= 0)
