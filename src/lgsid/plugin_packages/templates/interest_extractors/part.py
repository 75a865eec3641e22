"""The mean of a history, compared with each candidate."""

from __future__ import annotations

from torch import nn

from lgsid.errors import LgsidError
from lgsid.recommenders import ClickInputs, ClickSizes, Interest, InterestExtractor


class PartName(InterestExtractor):
    """Project the mean of the events and each candidate, and multiply them, value by value.

    Args:
        width: Width of the interest vectors.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        if width < 1:
            raise LgsidError(f"PartName: width must be at least 1, not {width}")
        self.width = width

    def build(self, sizes: ClickSizes) -> None:
        """Create the projections of embeddings of width `sizes.event`, and set `dim`."""
        self.of_history = nn.Linear(sizes.event, self.width, bias=False)
        self.of_candidate = nn.Linear(sizes.event, self.width, bias=False)
        self.dim = self.width

    def forward(self, inputs: ClickInputs) -> Interest:
        """Return vectors (B, C, dim) from events (B, T, D), of which `mask` (B, T) are real, and candidates (B, C, D).

        An empty history gives zeros.
        """
        weight = inputs.mask.to(inputs.event.dtype)
        weight = weight / weight.sum(dim=1, keepdim=True).clamp_min(1)
        mean = (weight[:, None] @ inputs.event.masked_fill(~inputs.mask[..., None], 0.0))[:, 0]
        return Interest(self.of_history(mean)[:, None] * self.of_candidate(inputs.candidate))
