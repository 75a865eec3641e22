"""TIGER: an encoder-decoder that generates the semantic ID of the next place."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from transformers import T5Config, T5Model

from lgsid.recommenders.generative.beam_decoder import BeamDecoder, EncodedQueries
from lgsid.recommenders.generative.generative_recommender import ChildLogits, GenerativeRecommender
from lgsid.recommenders.generative.generator_scorer import GeneratorStates
from lgsid.recommenders.generative.history_copy import Copied, HistoryCopy
from lgsid.recommenders.generative.history_tokens import HistoryTokens
from lgsid.recommenders.generative.mixture_scorer import MixtureScorer
from lgsid.recommenders.generative.node_geography import (
    NodeGeography,
    NodeTable,
    describe_nodes,
    describe_query,
    find_anchors,
)
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer
from lgsid.recommenders.generative.t5_beam_decoder import T5BeamDecoder
from lgsid.recommenders.generative.tree_search import TreeSearch
from lgsid.recommenders.generative.visit_mass import VisitMass
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children, ItemTrie
from lgsid.recommenders.own_future import later_items
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


class TIGER(GenerativeRecommender):
    """Encoder-decoder over semantic IDs (TIGER, Rajput et al. 2023, arXiv 2305.05065), with two optional parts.

    The encoder (transformers' T5) reads history and query tokens, the decoder gives the codes of the next place level
    by level. In the paper's form there is neither `copy` nor `geography`, and one token per code of the history.

    Args:
        t5: Overrides of the T5 configuration (`d_model`, `num_layers`, ...).
        copy: Pointer over the history, mixed with the generator; without it, the paper's form.
        geography: Geography of prefixes, added to the generator's logits; without it, the paper's form.
        history_tokens: One token per check-in (default), or one per code as in the paper.
        encoder_history: Check-ins that the encoder sees; `copy` sees all that the data serve.
        user_buckets: Hash buckets of the user token.
        generator_weight: Weight of the generator's own loss beside that of the mixture with `copy`.
        beam_width: Prefixes followed at a time while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
        search: How items are looked for; by `BeamSearch` by default.
    """

    needs_sids = True  # asked by the command line; in Python, data without any mean plain item IDs

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
        search: TreeSearch | None = None,
    ) -> None:
        super().__init__(history_tokens, encoder_history, user_buckets, beam_width, warmup_share, optimizer, search)
        self.save_hyperparameters()
        self.t5_options = T5_DEFAULTS | (t5 or {})
        self.copy = copy
        self.geography = geography
        self.generator_weight = generator_weight
        self._node_tables: tuple[ItemTrie, list[NodeTable]] | None = None

    def build_network(self, n_tokens: int) -> None:
        """Create the T5 model."""
        self.t5 = T5Model(T5Config(vocab_size=n_tokens, decoder_start_token_id=0, **self.t5_options))

    def build(self, shape: DataShape) -> None:
        """Create the T5 model and the optional parts."""
        super().build(shape)
        if self.copy is not None:
            self.copy.build(self.token_table.embedding_dim, len(self.level_sizes))
        if self.geography is not None:
            self.geography.build(len(self.level_sizes) + 1)

    @property
    def token_table(self) -> nn.Embedding:
        """T5's table, shared by encoder and decoder."""
        return self.t5.shared  # type: ignore[no-any-return]

    def encode(self, tokens: Tensor, real: Tensor) -> Tensor:
        """Return the encoder's states, shape (B, S, D)."""
        return self.t5.encoder(inputs_embeds=tokens, attention_mask=real.long()).last_hidden_state  # type: ignore[no-any-return]

    def decode(self, encoded: EncodedQueries, prefix: Tensor) -> Tensor:
        """Return the decoder's states along prefixes (B, l), shape (B, l, D)."""
        return self.t5.decoder(  # type: ignore[no-any-return]
            inputs_embeds=self.t5.shared(prefix),
            encoder_hidden_states=encoded.states,
            encoder_attention_mask=encoded.real.long(),
            use_cache=False,
        ).last_hidden_state

    def beam_decoder(self, encoded: EncodedQueries) -> BeamDecoder:
        """Return T5's decoder with its cache."""
        return T5BeamDecoder(self.t5, encoded)

    @property
    def node_tables(self) -> list[NodeTable]:
        """Positions and popularity of the nodes of the tree, by depth; computed when first asked for."""
        trie = self.catalogue.trie
        if self._node_tables is None or self._node_tables[0] is not trie:
            self._node_tables = (trie, describe_nodes(trie, self.catalogue.position_km, self.catalogue.count))
        return self._node_tables[1]

    def child_logits(self, batch: SequenceBatch, visits: Visits | None = None) -> ChildLogits | None:
        """Return the geography of the prefixes, if there is such a part.

        Args:
            batch: B queries.
            visits: Their past check-ins by place, if they are known already.
        """
        geography = self.geography
        if geography is None:
            return None
        visits = Visits.of(batch.history) if visits is None else visits
        anchors_km, query = find_anchors(batch, visits, self.catalogue.position_km), describe_query(batch)
        tables, later = self.node_tables, None
        if own_future := later_items(batch).shape[1]:
            ones = torch.ones(len(batch), own_future, device=self.device)
            later = VisitMass.of(later_items(batch), ones, self.catalogue.trie)

        def logits(depth: int, children: Children) -> Tensor:
            return geography(depth + 1, children, tables[depth + 1], anchors_km, query, later)  # type: ignore[no-any-return]

        return logits

    def point(self, batch: SequenceBatch, visits: Visits, state: Tensor) -> Copied | None:
        """Return where the pointer points from the state (B, D) of the query token, None without one."""
        if self.copy is None:
            return None
        places = self.catalogue.position_km[batch.history.clamp_min(0)]
        km = (places - places[:, -1:]).norm(dim=-1)
        codes = self.code_tokens(batch.history)
        return self.copy(batch, visits, state, codes, self.t5.shared.weight, km)  # type: ignore[no-any-return]

    def log_probs(self, batch: SequenceBatch, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of given items (B,): of the whole model, and of the generator alone. Each (B,)."""
        encoded = self.encode_queries(batch)
        state = encoded.query_state  # before the generator: the order in which gradients are added up depends on it
        visits = Visits.of(batch.history)
        generated = self.generator_log_prob(items, encoded, self.child_logits(batch, visits))
        copied = self.point(batch, visits, state)
        if copied is None:
            return generated, generated
        pointed = copied.log_prob(batch.history, items)
        return torch.logaddexp(copied.log_gate + pointed, copied.log_rest + generated), generated

    def item_log_prob(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the log-probability of given items (B,), pointer and generator mixed, shape (B,)."""
        return self.log_probs(batch, items)[0]

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the negative log-likelihood of the next places; with `copy` also that of the generator alone."""
        return self.mixture_loss(*self.log_probs(batch, batch.target))

    def mixture_loss(self, whole: Tensor, generated: Tensor) -> Tensor:
        """Return the loss of log-probabilities (B,) of the targets, by the whole model and by the generator alone."""
        loss = -whole.mean()
        self.log("train/nll", loss.detach(), prog_bar=True, batch_size=len(whole))
        if self.copy is not None and self.generator_weight:
            loss = loss - self.generator_weight * generated.mean()
        return loss

    def prefix_scorer(self, batch: SequenceBatch) -> PrefixScorer[GeneratorStates]:
        """Return the generator's side of a search, mixed with the pointer."""
        encoded = self.encode_queries(batch)
        visits = Visits.of(batch.history)
        generator = self.generator_scorer(encoded, self.child_logits(batch, visits))
        copied = self.point(batch, visits, encoded.query_state)
        if copied is None:
            return generator
        trie = self.catalogue.trie
        return MixtureScorer(generator, copied.log_rest, [(copied.log_gate, copied.mass(batch.history, trie))], trie)
