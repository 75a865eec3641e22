"""Search and attention by the same scores, as in TWIN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.functional.masked import masked_softmax, masked_top_k
from lgsid.recommenders.click.found_attention import at
from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, Interest, InterestExtractor


class TwoStageAttention(InterestExtractor):
    """Score all events by target attention, keep the k best of each head, and weigh these by the same scores.

    Source: TWIN (arXiv 2302.02352): the score of a head is `K_h W_h (q W_q) / sqrt(d) + K_c W_c b`. The features of
    the place itself, K_h, are projected once per event; cross features K_c enter as one number each. The soft-max of
    the scores weighs projections of all features, and a projection of all heads is the interest. With k at least the
    length of the history it is target attention over all of it.

    Our reading: each head searches with its own scores, so that both stages agree head by head. Cross features are
    when the event was, and, ours, what event and candidate share: place, category, prefixes of the semantic ID,
    regions, and their distance (`PlacePairs.cross`).

    Args:
        k: Number K of events that each head keeps.
        heads: Number H of heads.
        head_width: Width of queries, keys and values of a head.

    Raises:
        LgsidError: if k is less than 1.
    """

    def __init__(self, k: int = 50, heads: int = 4, head_width: int = 8) -> None:
        super().__init__()
        if k < 1:
            raise LgsidError(f"{type(self).__name__}: k must be at least 1, not {k}")
        self.k, self.heads, self.head_width = k, heads, head_width

    def build(self, sizes: ClickSizes) -> None:
        """Create the projections."""
        width = self.heads * self.head_width
        self.of_candidate = nn.Linear(sizes.event, width, bias=False)
        self.of_event = nn.Linear(sizes.event, width, bias=False)
        self.of_context = nn.Linear(sizes.context, self.heads, bias=False)
        self.of_cross = nn.Linear(sizes.cross, self.heads, bias=False)
        self.value = nn.Linear(sizes.event + sizes.context + sizes.cross, width, bias=False)
        self.output = nn.Linear(width, sizes.event, bias=False)
        self.dim = sizes.event

    def forward(self, inputs: ClickInputs) -> Interest:
        """Return the projected heads, (B, C, D); zero for an empty history."""
        cross = inputs.pairs.cross(inputs.history[:, None], inputs.item[:, :, None])  # (B, C, T, G)
        scores = self.scores(inputs, cross)
        found, there = masked_top_k(scores, inputs.mask[:, None, None], self.k)  # (B, C, H, K)
        weight = masked_softmax(scores.gather(-1, found), there)[..., None, :]
        parts = [at(inputs.event, found), at(inputs.context, found)]
        parts.append(at(cross.flatten(0, 1), found.flatten(0, 1)).view(*found.shape, -1))
        seen = torch.cat([(weight @ part)[..., 0, :] for part in parts], dim=-1)  # (B, C, H, D + X + G)
        value = self.value.weight.view(self.heads, self.head_width, -1)
        heads = torch.einsum("bchz,hdz->bchd", seen, value)
        return Interest(self.output(heads.flatten(2)))

    def scores(self, inputs: ClickInputs, cross: Tensor) -> Tensor:
        """Return the scores that both choose and weigh the events, (B, C, H, T).

        Args:
            inputs: B queries with C candidates and T events each.
            cross: Shape (B, C, T, G), cross features of events and candidates.
        """
        split = (self.heads, self.head_width)
        query = self.of_candidate(inputs.candidate).view(*inputs.item.shape, *split).movedim(2, 1)  # (B, H, C, d)
        key = self.of_event(inputs.event).view(*inputs.history.shape, *split).movedim(2, 1)  # (B, H, T, d)
        scores: Tensor = (query @ key.mT / self.head_width**0.5).movedim(1, 2)  # (B, C, H, T)
        bias: Tensor = self.of_cross(cross).mT + self.of_context(inputs.context).mT[:, None]
        return scores + bias
