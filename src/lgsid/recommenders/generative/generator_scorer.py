"""A generator's side of the beam search."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lgsid.recommenders.generative.beam_decoder import BeamDecoder
from lgsid.recommenders.generative.beam_search import PrefixScorer
from lgsid.recommenders.item_trie import Children


class GeneratorScorer(PrefixScorer):
    """Add up the log-probabilities of codes along the beams.

    Args:
        decoder: Follows the beams.
        child_log_probs: Returns the log-probability of each child given its parent, shape (C,), from the depth of the
            parents, the children and the decoder's states (B, W, D) at the parents.
        level_offset: Token of code 0 of each level, length L.
        begin: Shape (B,), token that begins a semantic ID.
    """

    def __init__(
        self,
        decoder: BeamDecoder,
        child_log_probs: Callable[[int, Children, Tensor], Tensor],
        level_offset: Sequence[int],
        begin: Tensor,
    ) -> None:
        self.decoder = decoder
        self.child_log_probs = child_log_probs
        self.level_offset = level_offset
        self.log_prob = torch.zeros(len(begin), 1, device=begin.device)  # (B, W) of the beams' prefixes
        self.child_log_prob = self.log_prob.flatten()
        self.hidden = decoder.advance(begin, torch.arange(len(begin), device=begin.device))[:, None]  # (B, W, D)

    def score(self, depth: int, children: Children) -> Tensor:
        """Return the log-probability of every child's prefix."""
        step = self.child_log_probs(depth, children, self.hidden)
        self.child_log_prob = self.log_prob.flatten()[children.parent] + step
        return self.child_log_prob

    def follow(self, depth: int, children: Children, chosen: Tensor) -> None:
        """Advance the decoder by one code for every chosen child."""
        picked = chosen.clamp_min(0)
        self.log_prob = self.child_log_prob[picked]
        if depth == len(self.level_offset):  # below are items, which the decoder does not tell apart
            self.hidden = self.hidden.new_zeros((*chosen.shape, self.hidden.shape[2]))
            return
        tokens = children.code[picked] + self.level_offset[depth - 1]
        first_beam = torch.arange(len(chosen), device=chosen.device)[:, None] * children.width
        parent = torch.where(chosen >= 0, children.parent[picked], first_beam)  # padding follows any beam of its query
        self.hidden = self.decoder.advance(tokens.flatten(), parent.flatten()).view(*chosen.shape, -1)
