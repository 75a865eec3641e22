"""Attention of a candidate over a history, as in DIN, for all candidates of a query at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, Interest, InterestExtractor


class TargetAttention(InterestExtractor):
    """Weigh each event of a history by how much it says about a candidate, and add up the events.

    Source: Deep Interest Network (arXiv 1706.06978), eq. 3 and figure 2: weights come from a small network on event,
    candidate and their product, are not normalized, and multiply the events. Ours on top: the network also sees when
    the event happened relative to the query, and what event and candidate have in common (same place, same
    category, shared semantic prefix); these matches are added up with the same weights. So the network can learn a
    time kernel over revisits, which is what counting baselines do.

    The first layer is split, so that its parts for events and for candidates are computed once per event and once per
    candidate.

    Args:
        hidden: Hidden units of the network.
    """

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.hidden = hidden

    def build(self, sizes: ClickSizes) -> None:
        """Create the network for embeddings of the given widths."""
        self.of_event = nn.Linear(sizes.event + sizes.context, self.hidden)
        self.of_candidate = nn.Linear(sizes.event, self.hidden, bias=False)
        self.of_both = nn.Linear(sizes.event + sizes.match, self.hidden, bias=False)
        self.weight = nn.Linear(self.hidden, 1)
        self.dim = sizes.event + sizes.match + 1

    def forward(self, inputs: ClickInputs) -> Interest:
        """Return weighted sums of events and of matches, and the sum of the weights, (B, C, D + Y + 1)."""
        event, candidate, match = inputs.event, inputs.candidate, inputs.match
        both = torch.cat([event[:, None] * candidate[:, :, None], match], dim=-1)  # (B, C, T, D + Y)
        hidden = self.of_both(both) + self.of_event(torch.cat([event, inputs.context], dim=-1))[:, None]
        hidden = torch.relu(hidden + self.of_candidate(candidate)[:, :, None])
        weight: Tensor = self.weight(hidden)[..., 0].masked_fill(~inputs.mask[:, None], 0.0)  # (B, C, T)
        events = weight @ event
        matches = (weight[:, :, None] @ match)[:, :, 0]
        return Interest(torch.cat([events, matches, weight.sum(-1, keepdim=True)], dim=-1))
