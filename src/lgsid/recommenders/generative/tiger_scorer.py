"""TIGER's side of the beam search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lgsid.recommenders.generative.beam_search import PrefixScorer
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children
from lgsid.typing import SequenceBatch

if TYPE_CHECKING:
    from lgsid.recommenders.generative.tiger import TIGER


class TigerScorer(PrefixScorer):
    """Score prefixes with the decoder, its keys and values cached, and with the pointer.

    The pointer's mass on a prefix is, like everything about a prefix, a difference of prefix sums: past check-ins are
    sorted by where their item stands among the sorted items, and a node is a range of those.

    Args:
        model: A built model in evaluation mode.
        batch: B queries.
    """

    def __init__(self, model: TIGER, batch: SequenceBatch) -> None:
        self.model = model
        self.trie = model.catalogue.trie
        self.states, self.real, state = model.encode(batch)
        visits = Visits.of(batch.history)
        self.context = model.context(batch, visits)
        self.generated = torch.zeros(
            len(batch), 1, device=state.device
        )  # (B, W) log-probability of the beams' prefixes
        self.generated_children = self.generated.flatten()
        self.cache: Any = None
        self.hidden = self._decode(batch.user.new_zeros(len(batch)))[:, None]
        self.copied = model.point(batch, visits, state)
        if self.copied is not None:
            position = self.trie.path[batch.history.clamp_min(0), -1].masked_fill(batch.history < 0, self.trie.n_items)
            self.position, order = position.sort(dim=1)  # (B, T); padding comes last
            mass = self.copied.log_attention.double().exp().masked_fill(batch.history < 0, 0.0).gather(1, order)
            self.mass = torch.nn.functional.pad(mass.cumsum(1), (1, 0))  # (B, T + 1)

    def score(self, depth: int, children: Children) -> Tensor:
        """Return the log-probability of every child's prefix, a mixture of both parts."""
        step = self.model.child_log_probs(depth, children, self.hidden, self.context)
        self.generated_children = self.generated.flatten()[children.parent] + step
        if self.copied is None:
            return self.generated_children
        query = children.query
        level = self.trie.levels[depth + 1]
        copied = self.copied_mass(query, level.start[children.node], level.end[children.node])
        return torch.logaddexp(
            self.copied.log_gate[query] + copied.log().float(), self.copied.log_rest[query] + self.generated_children
        )

    def copied_mass(self, query: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Return the attention on past check-ins at items of a range, shape (C,) float64, 0 exactly where none is.

        Args:
            query: Shape (C,), ascending.
            start: Shape (C,), first sorted item.
            end: Shape (C,), behind the last one.
        """
        stride = self.trie.n_items + 1
        flat = (self.position + torch.arange(len(self.position), device=start.device)[:, None] * stride).flatten()
        width = self.position.shape[1]
        low = torch.searchsorted(flat, query * stride + start) - query * width
        high = torch.searchsorted(flat, query * stride + end) - query * width
        return self.mass[query, high] - self.mass[query, low]

    def follow(self, depth: int, children: Children, chosen: Tensor) -> None:
        """Advance the decoder by one code for every chosen child."""
        picked = chosen.clamp_min(0)
        self.generated = self.generated_children[picked]
        if depth == self.trie.n_levels:
            self.hidden = self.hidden.new_zeros((*chosen.shape, self.hidden.shape[2]))
            return
        tokens = children.code[picked] + self.model.level_offset[depth - 1]
        first_beam = torch.arange(len(chosen), device=chosen.device)[:, None] * children.width
        parent = torch.where(chosen >= 0, children.parent[picked], first_beam)  # padding follows any beam of its query
        self.cache.reorder_cache(parent.flatten())
        self.real = self.real[parent.flatten()]
        self.hidden = self._decode(tokens.flatten()).view(*chosen.shape, -1)

    def _decode(self, tokens: Tensor) -> Tensor:
        """Feed one token to each beam; returns the decoder's states, shape (beams, D)."""
        # after the first step keys and values of the encoder come from the cache: its states only lend their shape
        states = self.states if self.cache is None else self.states[:1].expand(len(tokens), -1, -1)
        output = self.model.t5.decoder(
            inputs_embeds=self.model.t5.shared(tokens)[:, None],
            encoder_hidden_states=states,
            encoder_attention_mask=self.real.long(),
            past_key_values=self.cache,
            use_cache=True,
        )
        self.cache = output.past_key_values
        return output.last_hidden_state[:, 0]  # type: ignore[no-any-return]
