"""Preference loss on the cosine of two embeddings."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lgsid.alignment.preference_loss import PreferenceLoss
from lgsid.functional.preference import pairwise_preference_loss


class SimilarityMargin(PreferenceLoss):
    """G-DPO with the cosine to the anchor as implicit reward, pair by pair (METHOD 2, our alternative).

    `-log sigmoid([cos(a, i+) - cos(a, i-) - cos_ref(a, i+) + cos_ref(a, i-)] / temperature)`. It needs no reward
    model; the anchor is in the score, which says what "near" is near to.

    Args:
        temperature: Scale of cosines; 1 / temperature is DPO's beta.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def rewards(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the cosine of each candidate with its anchor, shape (B, C)."""
        return F.cosine_similarity(anchor[:, None], candidates, dim=-1)

    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the pairwise preference loss."""
        return pairwise_preference_loss(
            chosen, rejected, reference_chosen, reference_rejected, beta=1 / self.temperature
        )
