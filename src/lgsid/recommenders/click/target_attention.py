"""Attention of a candidate over a history, as in DIN, for all candidates of a query at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TargetAttention(nn.Module):
    """Weigh each event of a history by how much it says about a candidate, and add up the events.

    Source: Deep Interest Network (arXiv 1706.06978), eq. 3 and figure 2: weights come from a small network on event,
    candidate and their product, are not normalised, and multiply the events. Ours on top: the network also sees when
    the event happened relative to the query, and what event and candidate have in common (same place, same
    category, shared semantic prefix); these matches are added up with the same weights. So the network can learn a
    time kernel over revisits, which is what counting baselines do (FIELD 2).

    The first layer is split, so that its parts for events and for candidates are computed once per event and once per
    candidate.

    Args:
        width: D, of events and candidates.
        n_context: Values that describe an event's time relative to the query.
        n_match: Values that describe what event and candidate have in common.
        hidden: Units of the network.
    """

    def __init__(self, width: int, n_context: int, n_match: int, hidden: int) -> None:
        super().__init__()
        self.of_event = nn.Linear(width + n_context, hidden)
        self.of_candidate = nn.Linear(width, hidden, bias=False)
        self.of_both = nn.Linear(width + n_match, hidden, bias=False)
        self.weight = nn.Linear(hidden, 1)
        self.dim = width + n_match + 1

    def forward(self, event: Tensor, context: Tensor, candidate: Tensor, match: Tensor, mask: Tensor) -> Tensor:
        """Return what the history says about each candidate.

        Args:
            event: Shape (B, T, D).
            context: Shape (B, T, X).
            candidate: Shape (B, C, D).
            match: Shape (B, C, T, Y).
            mask: Shape (B, T) bool, False at padding.

        Returns:
            Shape (B, C, D + Y + 1): weighted sums of events and of matches, and the sum of the weights.
        """
        both = torch.cat([event[:, None] * candidate[:, :, None], match], dim=-1)  # (B, C, T, D + Y)
        hidden = self.of_both(both) + self.of_event(torch.cat([event, context], dim=-1))[:, None]
        hidden = torch.relu(hidden + self.of_candidate(candidate)[:, :, None])
        weight = self.weight(hidden)[..., 0].masked_fill(~mask[:, None], 0.0)  # (B, C, T)
        events = weight @ event
        matches = (weight[:, :, None] @ match)[:, :, 0]
        return torch.cat([events, matches, weight.sum(-1, keepdim=True)], dim=-1)
