"""Models of long histories: search for a few events per candidate, then attend to them."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.masked import masked_top_k
from lgsid.recommenders.click.found_attention import FoundAttention
from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, Interest, InterestExtractor


class SearchAttention(InterestExtractor):
    """Find the k most relevant events of a long history for each candidate and attend to those only.

    A subclass says how relevant a place is. All visits to it are equally relevant, of which the more recent are found.
    No gradient flows through the search.

    Args:
        k: Number K of events that are found.
        heads: Number of heads of the attention.
        head_width: Width of queries and keys of a head.

    Raises:
        LgsidError: if k is less than 1.
    """

    def __init__(self, k: int = 50, heads: int = 2, head_width: int = 16) -> None:
        super().__init__()
        if k < 1:
            raise LgsidError(f"{type(self).__name__}: k must be at least 1, not {k}")
        self.k, self.heads, self.head_width = k, heads, head_width

    def build(self, sizes: ClickSizes) -> None:
        """Create the attention."""
        self.attention = FoundAttention(sizes, self.heads, self.head_width)
        self.dim = self.attention.dim

    @abstractmethod
    def relevance(self, inputs: ClickInputs) -> tuple[Tensor, Tensor]:
        """Return how relevant the place of each event is to candidates, (B, C, T) float32, and which may be found."""

    def forward(self, inputs: ClickInputs) -> Interest:
        """Return the heads of the attention over what was found, (B, C, H (D + X + Y)); zero if nothing was."""
        return Interest(self.attention(inputs, *self.search(inputs)))

    @torch.no_grad()
    def search(self, inputs: ClickInputs) -> tuple[Tensor, Tensor]:
        """Return the places of the found events and which of them are there, both (B, C, K)."""
        relevance, allowed = self.relevance(inputs)
        first = first_visits(inputs.history, inputs.mask)[:, None].expand(relevance.shape)
        return masked_top_k(relevance.gather(-1, first), allowed, self.k)


def first_visits(history: Tensor, mask: Tensor) -> Tensor:
    """Return where in its history (B, T) each event's place was visited first, (B, T) int64.

    A product of matrices may give the same place different last bits in different columns; the first one counts.
    """
    place, order = history.masked_fill(~mask, -1).sort(dim=1, stable=True)
    starts = torch.ones_like(mask)
    starts[:, 1:] = place[:, 1:] != place[:, :-1]
    start = (starts * torch.arange(place.shape[1], device=place.device)).cummax(1).values
    return torch.empty_like(order).scatter_(1, order, order.gather(1, start))
