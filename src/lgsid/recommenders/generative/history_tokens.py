"""How past check-ins become encoder tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lgsid.construction import Describable


class HistoryTokens(Describable, nn.Module, ABC):
    """Lay out the codes of past check-ins as a token sequence."""

    @abstractmethod
    def forward(self, codes: Tensor, event: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tokens and which of them are real.

        Args:
            codes: Shape (B, T, L, D), vectors of the codes of each check-in.
            event: Shape (B, T, D), vector of its time.
            known: Shape (B, T) bool, False at padding.

        Returns:
            Tokens of shape (B, S, D) and shape (B, S) bool.
        """


class SummedTokens(HistoryTokens):
    """One token per check-in: the sum of the vectors of its codes and its time. L times fewer tokens to attend to."""

    def forward(self, codes: Tensor, event: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return T tokens."""
        return codes.sum(2) + event, known


class SeparateTokens(HistoryTokens):
    """L tokens per check-in, one per code, as in TIGER (arXiv 2305.05065, section 3.2); each carries the time."""

    def forward(self, codes: Tensor, event: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return T x L tokens."""
        tokens = codes + event[:, :, None]
        return tokens.flatten(1, 2), known.repeat_interleave(codes.shape[2], dim=1)
