"""A generator's side of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.recommenders.generative.beam_decoder import BeamDecoder, DecoderStates
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer, Scored
from lgsid.recommenders.item_trie import Children, ItemTrie
from lgsid.typing import Batch


@dataclass(frozen=True)
class GeneratorStates(Batch):
    """M prefixes; the decoder reads only those below which there is something left to predict."""

    log_prob: Tensor  # (M,) of the prefixes
    slot: Tensor  # (M,) row of `decoder`, -1 where no more than one semantic ID is below
    decoder: DecoderStates

    def take(self, rows: Tensor) -> Self:
        """Return the states of the given prefixes, `rows: (M',)` int64 or `(M,)` bool."""
        slot = self.slot[rows]
        read = slot >= 0
        return type(self)(self.log_prob[rows], numbered(read), self.decoder.take(slot[read]))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return states of prefixes of equal length as one."""
        log_prob = torch.cat([part.log_prob for part in parts])
        read = torch.cat([part.slot for part in parts]) >= 0
        some = [part.decoder for part in parts if len(part.decoder)] or [parts[0].decoder]
        return cls(log_prob, numbered(read), DecoderStates.joined(some))


def numbered(mask: Tensor) -> Tensor:
    """Number the true entries of `mask` (M,) from 0; -1 elsewhere."""
    return torch.where(mask, mask.cumsum(0) - 1, -1)


class GeneratorScorer(PrefixScorer[GeneratorStates]):
    """Add up the log-probabilities of codes along prefixes.

    Args:
        decoder: Reads prefixes.
        child_log_probs: Returns the log-probability of each child given its parent, shape (C,), from the depth of the
            parents, the children and the decoder's states (M, D) at the parents.
        level_offset: Token of code 0 of each level, length L.
        begin: Shape (B,), token that begins a semantic ID.
        trie: The semantic IDs.
    """

    def __init__(
        self,
        decoder: BeamDecoder,
        child_log_probs: Callable[[int, Children, Tensor], Tensor],
        level_offset: Sequence[int],
        begin: Tensor,
        trie: ItemTrie,
    ) -> None:
        self.decoder = decoder
        self.child_log_probs = child_log_probs
        self.level_offset = level_offset
        self.begin = begin
        self.trie = trie

    def start(self) -> GeneratorStates:
        """Return the states of the empty prefixes."""
        log_prob = torch.zeros(len(self.begin), device=self.begin.device)
        slot = torch.arange(len(self.begin), device=log_prob.device)
        return GeneratorStates(log_prob, slot, self.decoder.start(self.begin))

    def score(self, depth: int, children: Children, parents: GeneratorStates) -> Scored:
        """Return the log-probability of every child's prefix."""
        log_prob = parents.log_prob.index_select(0, children.parent)
        if depth == len(self.level_offset):  # below are items, which the decoder does not tell apart
            log_prob = log_prob + self.child_log_probs(depth, children, parents.log_prob[:, None])
        elif len(parents.decoder) == len(parents):
            log_prob = log_prob + self.child_log_probs(depth, children, parents.decoder.hidden)
        else:
            slot = parents.slot.index_select(0, children.parent)
            several = (slot >= 0).nonzero()[:, 0]  # a child alone has the probability of its parent
            read = replace(children.take(several), parent=slot[several])
            log_prob = log_prob.index_add(0, several, self.child_log_probs(depth, read, parents.decoder.hidden))
        return Scored(log_prob, log_prob)

    def follow(self, depth: int, children: Children, scored: Scored, parents: GeneratorStates) -> GeneratorStates:
        """Let the decoder read one more code of the children that it has to tell apart from others."""
        read = ~self.trie.levels[depth].alone[children.node]
        before = parents.decoder.take(parents.slot[children.parent[read]])
        if len(before) and depth < len(self.level_offset):
            before = self.decoder.advance(before, children.code[read] + self.level_offset[depth - 1])
        return GeneratorStates(scored.generated, numbered(read), before)
