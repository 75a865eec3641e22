"""Search by learned inner products, as SIM does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, Interest
from lgsid.recommenders.click.search_attention import SearchAttention


class SoftSearch(SearchAttention):
    """Attend to the k events with the largest inner products of projected embeddings.

    Source: Search-based Interest Model (arXiv 2006.05639), soft search, equation 1, and its exact search unit. The
    search learns from a loss of its own (`train/search`): the click, predicted from the candidate and the sum of all
    events, weighted by the inner products. Ours: that sum is divided by the number of events, so that it does not grow
    with the history, and both projections start equal. Weights of either sign predict a click alike, so that unequal
    ones may come to find what resembles the candidate least.

    Args:
        k: Number K of events that are found.
        heads: Number of heads of the attention.
        head_width: Width of queries and keys of a head.
        search_width: Width of the projections.
        search_units: Hidden units of the network that predicts the click from the weighted sum.
        search_loss: Weight of the auxiliary loss; the default was the better of 0.1 and 1 on validation (Foursquare
            New York, one seed).
    """

    def __init__(
        self,
        k: int = 50,
        heads: int = 2,
        head_width: int = 16,
        search_width: int = 16,
        search_units: int = 32,
        search_loss: float = 0.1,
    ) -> None:
        super().__init__(k, heads, head_width)
        self.search_width, self.search_units, self.search_loss = search_width, search_units, search_loss

    def build(self, sizes: ClickSizes) -> None:
        """Create the attention, the projections and the network of the auxiliary loss."""
        super().build(sizes)
        self.of_event = nn.Linear(sizes.event, self.search_width, bias=False)
        self.of_candidate = nn.Linear(sizes.event, self.search_width, bias=False)
        self.of_candidate.load_state_dict(self.of_event.state_dict())
        self.click = nn.Sequential(
            nn.Linear(2 * sizes.event, self.search_units), nn.ReLU(), nn.Linear(self.search_units, 1)
        )

    def products(self, inputs: ClickInputs) -> Tensor:
        """Return the inner products of candidates and events, (B, C, T)."""
        products: Tensor = self.of_candidate(inputs.candidate) @ self.of_event(inputs.event).mT
        return products

    def relevance(self, inputs: ClickInputs) -> tuple[Tensor, Tensor]:
        """Return the inner products; every event may be found."""
        return self.products(inputs), inputs.mask[:, None]

    def forward(self, inputs: ClickInputs) -> Interest:
        """Return the heads of the attention over what was found, and the loss of the search."""
        interest = super().forward(inputs)
        if inputs.label is None:
            return interest
        weight = self.products(inputs).masked_fill(~inputs.mask[:, None], 0.0)
        events = weight @ inputs.event / inputs.mask.sum(1).clamp_min(1)[:, None, None]  # (B, C, D)
        logits = self.click(torch.cat([events, inputs.candidate], dim=-1))[..., 0]
        loss = binary_cross_entropy_with_logits(logits, inputs.label)
        return Interest(interest.vector, {"search": self.search_loss * loss})
