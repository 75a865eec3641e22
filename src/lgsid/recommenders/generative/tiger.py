"""TIGER: an encoder-decoder that generates the semantic ID of the next place."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from transformers import T5Config, T5Model

from lgsid.geo import GeoEncoder
from lgsid.recommenders.generative.beam_decoder import BeamDecoder, EncodedQueries
from lgsid.recommenders.generative.generative_recommender import GenerativeRecommender
from lgsid.recommenders.generative.history_tokens import HistoryTokens, SeparateTokens
from lgsid.recommenders.generative.t5_beam_decoder import T5BeamDecoder
from lgsid.recommenders.generative.tree_search import TreeSearch

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
    """Encoder-decoder over semantic IDs, as in its paper (TIGER, Rajput et al. 2023, arXiv 2305.05065).

    The encoder (transformers' T5) reads history and query tokens, the decoder gives the codes of the next place level
    by level. `PlaceTIGER` is this with parts that know places.

    Args:
        t5: Overrides of the T5 configuration (`d_model`, `num_layers`, ...).
        history_tokens: One token per code of the history as in the paper (default), or one per check-in.
        encoder_history: Check-ins that the encoder sees.
        user_buckets: Hash buckets of the user token.
        beam_width: Prefixes followed at a time while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
        search: How items are looked for; by `BeamSearch` by default.
        query_position: Encodes the position of the user's last place for the query token; without it, as in the paper.
    """

    needs_sids = True  # asked by the command line; in Python, data without any mean plain item IDs

    def __init__(
        self,
        t5: dict[str, Any] | None = None,
        history_tokens: HistoryTokens | None = None,
        encoder_history: int = 24,
        user_buckets: int = 2000,
        beam_width: int = 32,
        warmup_share: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=3e-3),
        search: TreeSearch | None = None,
        query_position: GeoEncoder | None = None,
    ) -> None:
        sizes = (encoder_history, user_buckets, beam_width, warmup_share)
        super().__init__(history_tokens or SeparateTokens(), *sizes, optimizer, search, query_position)
        self.save_hyperparameters()
        self.t5_options = T5_DEFAULTS | (t5 or {})

    def build_network(self, n_tokens: int) -> None:
        """Create the T5 model."""
        self.t5 = T5Model(T5Config(vocab_size=n_tokens, decoder_start_token_id=0, **self.t5_options))

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
