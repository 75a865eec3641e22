"""T5's decoder along the beams of a search."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import T5Model

from lgsid.recommenders.generative.beam_decoder import BeamDecoder, EncodedQueries


class T5BeamDecoder(BeamDecoder):
    """Decode one token at a time with cached keys and values.

    Args:
        t5: The model.
        encoded: B queries.
    """

    def __init__(self, t5: T5Model, encoded: EncodedQueries) -> None:
        self.t5 = t5
        self.states, self.real = encoded.states, encoded.real
        self.cache: Any = None

    def advance(self, tokens: Tensor, parent: Tensor) -> Tensor:
        """Feed one token to each beam."""
        states = self.states
        if self.cache is not None:
            self.cache.reorder_cache(parent)
            self.real = self.real[parent]
            # keys and values of the encoder come from the cache: its states only lend their shape
            states = self.states[:1].expand(len(tokens), -1, -1)
        output = self.t5.decoder(
            inputs_embeds=self.t5.shared(tokens)[:, None],
            encoder_hidden_states=states,
            encoder_attention_mask=self.real.long(),
            past_key_values=self.cache,
            use_cache=True,
        )
        self.cache = output.past_key_values
        return output.last_hidden_state[:, 0]  # type: ignore[no-any-return]
