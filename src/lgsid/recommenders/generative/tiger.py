"""TIGER: generate the semantic ID of the next place."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import T5Config, T5Model

from lgsid.recommenders.generative.beam_search import beam_search, segment_log_softmax
from lgsid.recommenders.generative.history_copy import NEVER, Copied, HistoryCopy
from lgsid.recommenders.generative.history_tokens import HistoryTokens, SummedTokens
from lgsid.recommenders.generative.node_geography import (
    NodeGeography,
    NodeTable,
    describe_nodes,
    describe_query,
    find_anchors,
)
from lgsid.recommenders.generative.tiger_scorer import TigerScorer
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children, ItemTrie
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.typing import DataShape, SequenceBatch

T5_DEFAULTS: dict[str, Any] = {
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 256,
    "num_heads": 4,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "dropout_rate": 0.1,
    "relative_attention_num_buckets": 16,
    "relative_attention_max_distance": 64,
}
N_AGES = 20  # buckets of log2(1 + hours)


class TIGER(Recommender):
    """Encoder-decoder over semantic IDs (TIGER, Rajput et al. 2023, arXiv 2305.05065), with two optional parts.

    The encoder (transformers' T5) reads the last check-ins as codes with their time, and a token of the query: hashed
    user, hour, weekday. The decoder gives the codes of the next place level by level. Our reading: each level is
    normalised over the codes that exist under the prefix, so that probabilities of all items sum to one. Items that
    share a semantic ID share its probability by their training check-ins. Without semantic IDs in the data every item
    is its own code: plain item IDs in the same model.

    Args:
        t5: Overrides of the T5 configuration (`d_model`, `num_layers`, ...).
        copy: A pointer over the history mixed with the generator; without it, the paper's form.
        geography: Geography of prefixes added to the generator's logits; without it, the paper's form.
        history_tokens: One token per check-in (default), or one per code as in the paper.
        encoder_history: Check-ins that the encoder sees; `copy` sees all that the data serve.
        user_buckets: Hash buckets of the user token.
        generator_weight: Weight of the generator's own loss beside that of the mixture with `copy`.
        beam_width: Prefixes kept while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Makes the optimizer from the parameters.
    """

    def __init__(
        self,
        t5: dict[str, Any] | None = None,
        copy: HistoryCopy | None = None,
        geography: NodeGeography | None = None,
        history_tokens: HistoryTokens | None = None,
        encoder_history: int = 24,
        user_buckets: int = 2000,
        generator_weight: float = 0.1,
        beam_width: int = 32,
        warmup_share: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=3e-3),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.t5_options = T5_DEFAULTS | (t5 or {})
        self.copy = copy
        self.geography = geography
        self.history_tokens = history_tokens or SummedTokens()
        self.encoder_history = encoder_history
        self.user_buckets = user_buckets
        self.generator_weight = generator_weight
        self.beam_width = beam_width
        self.k_max = beam_width
        self.warmup_share = warmup_share
        self._node_tables: tuple[ItemTrie, list[NodeTable]] | None = None

    def build(self, shape: DataShape) -> None:
        """Create the T5 model over one vocabulary: begin, the codes of all levels, user buckets."""
        super().build(shape)
        sizes = shape.codebook_sizes or (shape.n_items,)
        self.level_offset = [1 + sum(sizes[:level]) for level in range(len(sizes))]
        self.level_sizes = list(sizes)
        self.user_offset = 1 + sum(sizes)
        vocabulary = self.user_offset + self.user_buckets + 1  # the last is for users never seen
        self.t5 = T5Model(T5Config(vocab_size=vocabulary, decoder_start_token_id=0, **self.t5_options))
        width = self.t5_options["d_model"]
        self.hour = nn.Embedding(24, width)
        self.weekday = nn.Embedding(7, width)
        self.age = nn.Embedding(N_AGES, width)
        if self.copy is not None:
            self.copy.build(width, len(sizes))
        if self.geography is not None:
            self.geography.build(len(sizes) + 1)

    def configure_optimizers(self) -> Any:
        """Return the optimizer with a linear warm-up and a linear decay to zero."""
        optimizer = super().configure_optimizers()
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        warmup = max(1, round(self.warmup_share * steps))

        def factor(step: int) -> float:
            return min((step + 1) / warmup, max(0.0, (steps - step) / max(1, steps - warmup)))

        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": LambdaLR(optimizer, factor), "interval": "step"}}

    @property
    def node_tables(self) -> list[NodeTable]:
        """What is known of the nodes of the tree, by depth; computed when first asked for."""
        trie = self.catalogue.trie
        if self._node_tables is None or self._node_tables[0] is not trie:
            self._node_tables = (trie, describe_nodes(trie, self.catalogue.position_km, self.catalogue.count))
        return self._node_tables[1]

    def code_rows(self, items: Tensor) -> Tensor:
        """Return rows of the vocabulary: `items` (...), -1 is padding and reads as item 0; returns (..., L)."""
        return self.catalogue.item_codes[items.clamp_min(0)] + items.new_tensor(self.level_offset)

    def encode(self, batch: SequenceBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Encode queries.

        Returns:
            States (B, S, D), which of them are real (B, S) bool, the state of the query token (B, D).
        """
        recent = slice(max(0, batch.history.shape[1] - self.encoder_history), None)
        history = batch.history[:, recent]
        known = history >= 0
        age = torch.log2(1 + (batch.history_age_s[:, recent] / 3600).clamp_min(0)).long().clamp(max=N_AGES - 1)
        hour = batch.history_hour[:, recent].long() % 24
        event = self.hour(hour) + self.weekday(batch.history_weekday[:, recent]) + self.age(age)
        tokens, real = self.history_tokens(self.t5.shared(self.code_rows(history)), event, known)
        bucket = torch.where(
            batch.user >= 0, (batch.user * 2654435761) % (1 << 32) % self.user_buckets, self.user_buckets
        )
        query = (
            self.t5.shared(self.user_offset + bucket) + self.hour(batch.hour.long() % 24) + self.weekday(batch.weekday)
        )
        tokens = torch.cat([tokens, query[:, None]], 1)
        real = torch.cat([real, torch.ones_like(real[:, :1])], 1)
        states = self.t5.encoder(inputs_embeds=tokens, attention_mask=real.long()).last_hidden_state
        return states, real, states[:, -1]

    def point(self, batch: SequenceBatch, visits: Visits, state: Tensor) -> Copied | None:
        """Return what the copy part says, None without one."""
        if self.copy is None:
            return None
        position = self.catalogue.position_km
        places = position[batch.history.clamp_min(0)]
        km = (places - places[:, -1:]).norm(dim=-1)
        codes = self.code_rows(batch.history)
        return self.copy(batch, visits, state, codes, self.t5.shared.weight, km)  # type: ignore[no-any-return]

    def child_log_probs(self, depth: int, children: Children, hidden: Tensor, context: tuple[Tensor, Tensor]) -> Tensor:
        """Return the generator's log-probability of each child given its parent.

        Args:
            depth: Depth of the parents, 0..L.
            children: C children of B x W parents.
            hidden: Shape (B, W, D), the decoder's states at the parents (unused at depth L).
            context: Anchors and description of the queries, from `context`.

        Returns:
            Shape (C,), float32; sums to one over the children of a parent.
        """
        trie = self.catalogue.trie
        if depth < trie.n_levels:
            size, offset = self.level_sizes[depth], self.level_offset[depth]
            weight = self.t5.shared.weight[offset : offset + size]
            scores = (hidden * self.t5_options["d_model"] ** -0.5) @ weight.T  # (B, W, K)
            logits = scores.reshape(-1).float().index_select(0, children.parent * size + children.code)
        elif trie.n_nodes[depth] == trie.n_items:
            return hidden.new_zeros(len(children.node), dtype=torch.float32)  # one item per semantic ID
        else:
            logits = torch.log1p(self.catalogue.count[children.code].float())
        if self.geography is not None:
            logits = logits + self.geography(depth + 1, children, self.node_tables[depth + 1], *context)
        return segment_log_softmax(logits, children.parent, hidden.shape[0] * hidden.shape[1])

    def context(self, batch: SequenceBatch, visits: Visits) -> tuple[Tensor, Tensor]:
        """Return what `geography` needs to know of the queries."""
        return find_anchors(batch, visits, self.catalogue.position_km), describe_query(batch)

    def generator_log_prob(self, items: Tensor, states: Tensor, real: Tensor, context: tuple[Tensor, Tensor]) -> Tensor:
        """Return the generator's log-probability of given items by teacher forcing, shape (B,)."""
        trie = self.catalogue.trie
        begin = torch.zeros_like(items)[:, None]
        inputs = torch.cat([begin, self.code_rows(items)[:, :-1]], 1)
        hidden = self.t5.decoder(
            inputs_embeds=self.t5.shared(inputs),
            encoder_hidden_states=states,
            encoder_attention_mask=real.long(),
            use_cache=False,
        ).last_hidden_state  # (B, L, D)
        path = trie.path[items]
        total = torch.zeros(len(items), device=items.device)
        for depth in range(trie.n_levels + 1):
            children = trie.children(depth, path[:, depth : depth + 1])
            at = min(depth, trie.n_levels - 1)
            log_probs = self.child_log_probs(depth, children, hidden[:, at : at + 1], context)
            total = total + log_probs[children.node == path[children.query, depth + 1]]
        return total

    def log_probs(self, batch: SequenceBatch, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of given items (B,): of the whole model, and of the generator alone. Each (B,)."""
        states, real, state = self.encode(batch)
        visits = Visits.of(batch.history)
        generated = self.generator_log_prob(items, states, real, self.context(batch, visits))
        copied = self.point(batch, visits, state)
        if copied is None:
            return generated, generated
        there = copied.log_attention.masked_fill(batch.history != items[:, None], NEVER)
        return torch.logaddexp(copied.log_gate + there.logsumexp(1), copied.log_rest + generated), generated

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the negative log-likelihood of the next places."""
        whole, generated = self.log_probs(batch, batch.target)
        loss = -whole.mean()
        self.log("train/nll", loss.detach(), prog_bar=True, batch_size=len(batch))
        if self.copy is not None and self.generator_weight:
            loss = loss - self.generator_weight * generated.mean()
        return loss

    @torch.no_grad()
    def rank(self, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k most probable items that exist and are allowed, by beam search over the tree."""
        was_training = self.training
        self.eval()
        scorer = TigerScorer(self, batch)
        items, scores = beam_search(self.catalogue.trie, scorer, len(batch), max(self.beam_width, k), k, allowed)
        self.train(was_training)
        return Ranked(items, scores)
