"""How the decoder of a generator follows prefixes."""

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


@dataclass(frozen=True)
class DecoderStates(Batch):
    """M prefixes of equal length, read by the decoder."""

    query: Tensor  # (M,) rows of the queries, ascending
    hidden: Tensor  # (M, D) states from which the next code is predicted
    memory: Tensor  # (M, l, ...) what the decoder kept of the l tokens


class BeamDecoder(ABC):
    """Reads prefixes token by token; the states are the caller's, who may come back to any of them."""

    @abstractmethod
    def start(self, tokens: Tensor) -> DecoderStates:
        """Read the first token (B,) of B queries."""

    @abstractmethod
    def advance(self, parents: DecoderStates, tokens: Tensor) -> DecoderStates:
        """Read one more token (M,) after each of M prefixes, at least one."""


class RecomputingDecoder(BeamDecoder):
    """Decode whole prefixes anew at each step: no cache to write, L times the work for L levels.

    Args:
        decode: Returns the states (M, l, D) of prefixes (M, l) of encoded queries (M).
        encoded: B queries.
    """

    def __init__(self, decode: Callable[[EncodedQueries, Tensor], Tensor], encoded: EncodedQueries) -> None:
        self.decode = decode
        self.encoded = encoded

    def start(self, tokens: Tensor) -> DecoderStates:
        """Decode prefixes of one token."""
        return self.read(torch.arange(len(tokens), device=tokens.device), tokens[:, None])

    def advance(self, parents: DecoderStates, tokens: Tensor) -> DecoderStates:
        """Append the tokens to the prefixes and decode them."""
        return self.read(parents.query, torch.cat([parents.memory, tokens[:, None]], 1))

    def read(self, query: Tensor, prefix: Tensor) -> DecoderStates:
        """Decode prefixes (M, l) of queries (M,)."""
        return DecoderStates(query, self.decode(self.encoded.take(query), prefix)[:, -1], prefix)
