"""The contract of preference losses."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lgsid.text import TextEncoder


class PreferenceLoss(nn.Module, ABC):
    """Turn embeddings of preference pairs, under policy and reference, into a loss.

    A subclass says what the implicit reward of a candidate is (`rewards`) and how rewards make a loss (`combine`).
    """

    def forward(
        self,
        anchor: Tensor,
        candidates: Tensor,
        reference_anchor: Tensor,
        reference_candidates: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the loss and the gain of each pair.

        Args:
            anchor: Policy embeddings of the anchors, shape (B, D).
            candidates: Policy embeddings of the chosen place (column 0) and the rejected ones, shape (B, 1 + K, D).
            reference_anchor: Reference embeddings of the anchors, shape (B, D), no gradient.
            reference_candidates: Reference embeddings of the candidates, shape (B, 1 + K, D), no gradient.

        Returns:
            A scalar; and how much the policy raised the margin between chosen and rejected over the reference's,
            shape (B, K), without gradient.
        """
        policy = self.rewards(anchor, candidates)
        reference = self.rewards(reference_anchor, reference_candidates).detach()
        loss = self.combine(policy[:, 0], policy[:, 1:], reference[:, 0], reference[:, 1:])
        gain = (policy - reference).detach()
        return loss, gain[:, :1] - gain[:, 1:]

    def prepare(self, encoder: TextEncoder) -> None:
        """Read what the loss needs before training the adapter of `encoder`."""

    @abstractmethod
    def rewards(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the implicit reward of each candidate for its anchor.

        Args:
            anchor: Shape (B, D).
            candidates: Shape (B, C, D).

        Returns:
            Shape (B, C).
        """

    @abstractmethod
    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the loss of rewards of shapes (B,), (B, K), (B,), (B, K); a scalar."""
