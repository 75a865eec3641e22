"""A decoder that goes on from where lists of places stand."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders.generative.beam_decoder import BeamDecoder, DecoderStates


class ContinuedDecoder(BeamDecoder):
    """Search for the next place of lists: their tokens, and the one that begins the place, are read already.

    Args:
        decoder: The decoder that has read them.
        states: Of M lists.
    """

    def __init__(self, decoder: BeamDecoder, states: DecoderStates) -> None:
        self.decoder, self.states = decoder, states

    def start(self, tokens: Tensor) -> DecoderStates:
        """Return the states of the M lists; `tokens` (M,) are read already."""
        return self.states

    def advance(self, parents: DecoderStates, tokens: Tensor) -> DecoderStates:
        """Read one more token after each prefix."""
        return self.decoder.advance(parents, tokens)
