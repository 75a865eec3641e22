"""How an interest evolves, as in DIEN: a recurrent network over events, and one per candidate over its states."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from lgsid.functional.masked import masked_softmax
from lgsid.processes import gather_rows
from lgsid.recommenders.click.augru import AUGRU
from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, Interest, InterestExtractor


class InterestEvolution(InterestExtractor):
    """Follow the interests of a history and how far each candidate's own interest has come.

    Source: Deep Interest Evolution Network (arXiv 1809.03672). A GRU reads the events, once per query; a loss of its
    own asks each state for the next event, by the inner product with it against that with a sampled one
    (`train/next_event`; neither padding nor the last event has a next one). The candidate attends to the states by
    `softmax(h W e)`, and an `AUGRU` per candidate reads them, its update gate scaled by that attention. Padding is
    moved behind the events and attended to with 0, so that neither network runs over it.

    Ours on top, as in `TargetAttention`: the first network also sees when an event was, the attention what event and
    candidate share; what is shared is added up with the same weights. Negatives are drawn evenly from all other items.

    Args:
        next_event: Weight of the auxiliary loss.
    """

    def __init__(self, next_event: float = 1.0) -> None:
        super().__init__()
        self.next_event = next_event

    def build(self, sizes: ClickSizes) -> None:
        """Create both networks, their states as wide as an event."""
        self.items = sizes.items
        self.gru = nn.GRU(sizes.event + sizes.context, sizes.event, batch_first=True)
        self.of_candidate = nn.Linear(sizes.event, sizes.event, bias=False)
        self.of_match = nn.Linear(sizes.match, 1, bias=False)
        self.augru = AUGRU(sizes.event, sizes.event)
        self.dim = sizes.event + sizes.match

    def forward(self, inputs: ClickInputs) -> Interest:
        """Return the last states of the candidates and the weighted sums of matches, (B, C, D + Y)."""
        inputs = padded_behind(inputs)
        states: Tensor = self.gru(torch.cat([inputs.event, inputs.context], dim=-1))[0]  # (B, T, D)
        scores = self.of_candidate(inputs.candidate) @ states.mT + self.of_match(inputs.match)[..., 0]
        attention = masked_softmax(scores, inputs.mask[:, None])  # (B, C, T)
        matches = (attention[:, :, None] @ inputs.match)[:, :, 0]
        vector = torch.cat([self.augru(states, attention), matches], dim=-1)
        if inputs.label is None:
            return Interest(vector)
        return Interest(vector, {"next_event": self.next_event * self.next_event_loss(inputs, states)})

    def next_event_loss(self, inputs: ClickInputs, states: Tensor) -> Tensor:
        """Return the mean binary cross-entropy of the next events and of sampled ones, a scalar.

        Args:
            inputs: B histories, their padding behind the events.
            states: Shape (B, T, D), the states after each event.
        """
        state, known = states[:, :-1], inputs.mask[:, 1:]
        following = inputs.history[:, 1:]
        other = torch.randint(max(1, self.items - 1), following.shape, device=following.device)
        other = other + (other >= following).long()  # any item but the next one
        there = (state * inputs.event[:, 1:]).sum(-1)
        elsewhere = (state * inputs.embed(other.clamp_max(self.items - 1))).sum(-1)
        losses = softplus(-there) + softplus(elsewhere)
        total = gather_rows(losses.masked_fill(~known, 0.0).sum()[None]).sum()
        return total / gather_rows(known.sum()[None]).sum().clamp_min(1)


def padded_behind(inputs: ClickInputs) -> ClickInputs:
    """Return the same histories with the padding behind the events, as long as the longest."""
    longest = max(1, int(inputs.mask.sum(1).max()))
    order = (~inputs.mask).byte().argsort(dim=1, stable=True)[:, :longest]  # (B, T)
    query = torch.arange(len(order), device=order.device)[:, None]
    return replace(
        inputs,
        event=inputs.event[query, order],
        context=inputs.context[query, order],
        mask=inputs.mask[query, order],
        history=inputs.history[query, order],
    )
