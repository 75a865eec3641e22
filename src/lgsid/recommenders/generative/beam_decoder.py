"""How the decoder of a generator follows the beams of a search."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.typing import Batch


@dataclass(frozen=True)
class EncodedQueries(Batch):
    """What a decoder reads of B queries: a state per token, the query token last."""

    states: Tensor  # (B, S, D)
    real: Tensor  # (B, S) bool, False at padding

    @property
    def query_state(self) -> Tensor:
        """State of the query token, shape (B, D)."""
        return self.states[:, -1]


class BeamDecoder(ABC):
    """The decoder's states along the beams of a search; it starts with one beam for each query."""

    @abstractmethod
    def advance(self, tokens: Tensor, parent: Tensor) -> Tensor:
        """Feed one token to each beam.

        Args:
            tokens: Shape (M,), token of each beam.
            parent: Shape (M,), which of the beams of the step before it continues.

        Returns:
            Shape (M, D), the decoder's states after the token.
        """


class RecomputingDecoder(BeamDecoder):
    """Decode whole prefixes anew at each step: no cache to write, L times the work for L levels.

    Args:
        decode: Returns the states (M, l, D) of prefixes (M, l) of encoded queries (M).
        encoded: B queries.
    """

    def __init__(self, decode: Callable[[EncodedQueries, Tensor], Tensor], encoded: EncodedQueries) -> None:
        self.decode = decode
        self.encoded = encoded
        self.prefix = torch.zeros(len(encoded), 0, dtype=torch.long, device=encoded.states.device)

    def advance(self, tokens: Tensor, parent: Tensor) -> Tensor:
        """Append the tokens to the prefixes of the parents and decode them."""
        self.encoded = self.encoded.take(parent)
        self.prefix = torch.cat([self.prefix[parent], tokens[:, None]], 1)
        return self.decode(self.encoded, self.prefix)[:, -1]
