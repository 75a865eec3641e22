"""Preference loss on cosines, one chosen place against several rejected at once."""

from __future__ import annotations

from torch import Tensor

from lgsid.alignment.similarity_margin import SimilarityMargin
from lgsid.functional.preference import softmax_preference_loss


class SimilaritySoftmax(SimilarityMargin):
    """`SimilarityMargin` with a soft-max over all rejected places (METHOD 2, our alternative).

    The hardest rejected place gets most of the gradient. With one rejected place it equals `SimilarityMargin`.

    Args:
        temperature: Scale of cosines; 1 / temperature is DPO's beta.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__(temperature)

    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the soft-max preference loss."""
        return softmax_preference_loss(
            chosen, rejected, reference_chosen, reference_rejected, beta=1 / self.temperature
        )
