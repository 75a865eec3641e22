"""Target attention over the few events that a search found for each candidate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgsid.functional.masked import masked_softmax
from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes


class FoundAttention(nn.Module):
    """Attend to the events found for each candidate, with several heads.

    Source: exact search unit of SIM (arXiv 2006.05639): an event and its time gap are one vector z, each head is
    `softmax(W_b z . W_a e) z`, and the heads are concatenated. Scores are divided by the square root of the head's
    width, as in ETA (arXiv 2108.04468), whose projections of values and output are left to the layer that reads the
    heads. Ours on top: z also holds what event and candidate share.

    Args:
        sizes: Sizes of the click model.
        heads: Number H of heads.
        head_width: Width of queries and keys of a head.
    """

    def __init__(self, sizes: ClickSizes, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, head_width
        self.seen = sizes.event + sizes.context + sizes.match
        self.of_candidate = nn.Linear(sizes.event, heads * head_width, bias=False)
        self.of_event = nn.Linear(self.seen, heads * head_width, bias=False)
        self.dim = heads * self.seen

    def forward(self, inputs: ClickInputs, found: Tensor, there: Tensor) -> Tensor:
        """Return the heads, zero where nothing was found.

        Args:
            inputs: B queries with C candidates each.
            found: Shape (B, C, K) int64, places in the history.
            there: Shape (B, C, K) bool, False at padding.

        Returns:
            Shape (B, C, dim).
        """
        event, context, history = at(inputs.event, found), at(inputs.context, found), at(inputs.history, found)
        seen = torch.cat([event, context, inputs.pairs.match(history, inputs.item[..., None])], dim=-1)  # (B, C, K, Z)
        query = self.of_candidate(inputs.candidate).view(*inputs.item.shape, self.heads, self.head_width)
        key = self.of_event.weight.view(self.heads, self.head_width, self.seen)
        asked = torch.einsum("bchd,hdz->bchz", query, key) / self.head_width**0.5
        weight = masked_softmax(asked @ seen.mT, there[:, :, None])  # (B, C, H, K)
        heads: Tensor = weight @ seen
        return heads.flatten(2)


def at(values: Tensor, found: Tensor) -> Tensor:
    """Return values (B, T, ...) at places (B, ...) of each history."""
    start = torch.arange(len(values), device=values.device) * values.shape[1]
    rows = found + start.view(-1, *[1] * (found.ndim - 1))
    taken = values.flatten(0, 1).index_select(0, rows.flatten())
    return taken.view(*found.shape, *values.shape[2:])
