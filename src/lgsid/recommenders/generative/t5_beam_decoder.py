"""T5's decoder along the prefixes of a search."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear
from transformers import T5Model

from lgsid.functional.segments import places_in_segments
from lgsid.recommenders.generative.beam_decoder import BeamDecoder, DecoderStates, EncodedQueries


class T5BeamDecoder(BeamDecoder):
    """Decode one token at a time, as T5 does in evaluation, with what beams share computed once.

    Keys and values of the encoder's states belong to a query, whatever number of its prefixes read them: they are
    computed once and never repeated or reordered. Those of the tokens before are part of a prefix's memory, of shape
    (M, l, layers, 2, heads x head width). Softmax and sums over the few tokens before are elementwise operations.

    Args:
        t5: The model.
        encoded: B queries.
    """

    def __init__(self, t5: T5Model, encoded: EncodedQueries) -> None:
        self.t5 = t5
        self.n_heads, self.inner = t5.config.num_heads, t5.config.num_heads * t5.config.d_kv
        self.blocks = list(t5.decoder.block)
        own = [block.layer[0].SelfAttention for block in self.blocks]
        self.project = [torch.cat([one.q.weight, one.k.weight, one.v.weight]) for one in own]
        across = [block.layer[1].EncDecAttention for block in self.blocks]
        self.keys = [self.heads(one.k(encoded.states)).movedim(1, 3) for one in across]  # (B, heads, d, S) each
        self.values = [self.heads(one.v(encoded.states)).transpose(1, 2) for one in across]  # (B, heads, S, d) each
        hidden = torch.finfo(encoded.states.dtype).min
        self.mask = torch.zeros_like(encoded.states[..., 0]).masked_fill(~encoded.real, hidden)[:, None, None]

    def heads(self, x: Tensor) -> Tensor:
        """Split the last axis by heads: (..., heads x d) to (..., heads, d)."""
        return x.view(*x.shape[:-1], self.n_heads, self.inner // self.n_heads)

    def start(self, tokens: Tensor) -> DecoderStates:
        """Read the first token of each query."""
        query = torch.arange(len(tokens), device=tokens.device)
        empty = self.keys[0].new_zeros(len(tokens), 0, len(self.blocks), 2, self.inner)
        return self.advance(DecoderStates(query, empty[:, 0:0].flatten(1), empty), tokens)

    def advance(self, parents: DecoderStates, tokens: Tensor) -> DecoderStates:
        """Read one more token after each prefix."""
        n, length = parents.memory.shape[:2]
        memory = parents.memory.new_empty(n, length + 1, *parents.memory.shape[2:])
        memory[:, :length] = parents.memory
        bias = self.blocks[0].layer[0].SelfAttention.compute_bias(length + 1, length + 1)[0, :, -1].T  # (l, heads)
        layout = QueryLayout(parents.query, len(self.mask))
        mask = layout.of_queries(self.mask)
        x = self.t5.shared(tokens)
        for depth, block in enumerate(self.blocks):
            own, across, feed_forward = block.layer
            query, key, value = linear(own.layer_norm(x), self.project[depth]).chunk(3, 1)
            memory[:, length, depth, 0], memory[:, length, depth, 1] = key, value
            keys, values = self.heads(memory[:, :, depth]).unbind(2)  # (M, l, heads, d) each
            weights = ((keys * self.heads(query)[:, None]).sum(3) + bias).softmax(1)
            x = x + own.SelfAttention.o((weights[..., None] * values).sum(1).flatten(1))
            query = self.heads(layout.spread(across.EncDecAttention.q(across.layer_norm(x)))).transpose(1, 2)
            logits = query @ layout.of_queries(self.keys[depth]) + mask  # (B', heads, W, S)
            found = logits.softmax(3) @ layout.of_queries(self.values[depth])
            x = x + across.EncDecAttention.o(layout.collect(found.transpose(1, 2).flatten(2)))
            x = feed_forward(x)
        return DecoderStates(parents.query, self.t5.decoder.final_layer_norm(x), memory)


class QueryLayout:
    """Prefixes put together by query: M rows as (B', W) of the B' queries that have any, W the most of one.

    Args:
        query: Shape (M,), rows of the queries, ascending.
        n_queries: B.
    """

    def __init__(self, query: Tensor, n_queries: int) -> None:
        count = torch.bincount(query, minlength=n_queries)
        self.present = count.nonzero()[:, 0]
        row = (count > 0).cumsum(0)[query] - 1
        self.width = int(count.max())
        self.all_present = len(self.present) == n_queries
        self.cell = None
        if len(query) != len(self.present) * self.width:
            self.cell = row * self.width + places_in_segments(row, len(self.present))[0]

    def of_queries(self, x: Tensor) -> Tensor:
        """Return what belongs to the queries that have prefixes, (B, ...) to (B', ...)."""
        return x if self.all_present else x[self.present]

    def spread(self, x: Tensor) -> Tensor:
        """Lay rows (M, D) out as (B', W, D), zero where a query has fewer."""
        if self.cell is not None:
            x = x.new_zeros(len(self.present) * self.width, x.shape[1]).index_copy(0, self.cell, x)
        return x.view(len(self.present), self.width, x.shape[1])

    def collect(self, x: Tensor) -> Tensor:
        """Turn (B', W, D) back into rows (M, D)."""
        x = x.flatten(0, 1)
        return x if self.cell is None else x[self.cell]
