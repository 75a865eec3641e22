"""A generator whose encoder and decoder are those of transformers' T5."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor, nn
from transformers import T5Config, T5Model

from lgsid.recommenders.generative.beam_decoder import BeamDecoder, EncodedQueries
from lgsid.recommenders.generative.generative_recommender import BEGIN, GenerativeRecommender
from lgsid.recommenders.generative.t5_beam_decoder import T5BeamDecoder

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


class T5Generator(GenerativeRecommender):
    """Encode and decode with T5, which shares one table of tokens between both."""

    @abstractmethod
    def __init__(self, t5: dict[str, Any] | None, *parts: Any) -> None:
        """Set `t5_options`; a subclass names the parts that a config may choose.

        Args:
            t5: Arguments of `T5Config` that differ from `T5_DEFAULTS`.
            *parts: Arguments of `GenerativeRecommender`, in its order.
        """
        super().__init__(*parts)
        self.t5_options = T5_DEFAULTS | (t5 or {})

    def build_network(self, n_tokens: int) -> None:
        """Create the T5 model."""
        self.t5 = T5Model(T5Config(vocab_size=n_tokens, decoder_start_token_id=BEGIN, **self.t5_options))

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
