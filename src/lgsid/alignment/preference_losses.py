"""Losses over preference pairs: an implicit reward, and a loss of rewards."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.alignment.alignment_loss import AlignmentLoss, EncodedPairs
from lgsid.alignment.trained_reward import TrainedReward
from lgsid.artefacts import Dataset
from lgsid.functional.preference import pairwise_preference_loss, softmax_preference_loss
from lgsid.rewards import RewardModel
from lgsid.text import TextEncoder


class PreferenceLoss(AlignmentLoss):
    """Turn embeddings of preference pairs, under policy and reference, into a loss.

    A subclass defines the implicit reward of a candidate (`rewards`) and how rewards become a loss (`combine`); and, if
    an anchor's candidates are more than its own chosen and rejected places, which ones (`lists`).
    """

    def forward(
        self,
        anchor: Tensor,
        candidates: Tensor,
        reference_anchor: Tensor,
        reference_candidates: Tensor,
        positive: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the loss and the gain of each pair.

        Args:
            anchor: Policy embeddings of the anchors, shape (B, D).
            candidates: Policy embeddings of the chosen place (column 0) and the rejected ones, shape (B, 1 + K, D).
            reference_anchor: Reference embeddings of the anchors, shape (B, D), no gradient.
            reference_candidates: Reference embeddings of the candidates, shape (B, 1 + K, D), no gradient.
            positive: Whether the place chosen by anchor j (column) may not be rejected for anchor i (row): it is the
                anchor, its own chosen place or another positive of it, bool, shape (B, B); the diagonal if not given.

        Returns:
            A scalar; and how much the policy raised the margin between chosen and rejected over the reference's,
            shape (B, K), without gradient.
        """
        own = torch.eye(len(anchor), dtype=torch.bool, device=anchor.device)
        positive = own if positive is None else positive | own
        lists, excluded = self.lists(candidates, positive)
        policy = self.rewards(anchor, lists)
        reference = self.rewards(reference_anchor, self.lists(reference_candidates, positive)[0]).detach()
        kept = policy.masked_fill(excluded, -torch.inf)  # of no weight in a softmax, no loss in a margin
        loss = self.combine(kept[:, 0], kept[:, 1:], reference[:, 0], reference[:, 1:])
        gain = (policy - reference).detach()[:, : candidates.shape[1]]
        return loss, gain[:, :1] - gain[:, 1:]

    def of(self, pairs: EncodedPairs) -> tuple[Tensor, Tensor]:
        """Return the loss and the gain of each pair; see `forward`."""
        anchor, candidates = pairs.anchor, pairs.candidates
        policy, reference = pairs.policy, pairs.reference
        loss, gain = self(policy[anchor], policy[candidates], reference[anchor], reference[candidates], pairs.positive)
        return loss, gain

    def lists(self, candidates: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
        """Return the candidates that the loss compares for each anchor: its own ones.

        Args:
            candidates: Each pair's own chosen (column 0) and rejected places, shape (B, 1 + K, D).
            positive: Whether the place chosen by anchor j (column) may not be rejected for anchor i (row), (B, B).

        Returns:
            Embeddings whose first columns are `candidates`, shape (B, C, D); and whether a candidate is left out of the
            loss, bool, shape (B, C).
        """
        return candidates, torch.zeros(candidates.shape[:2], dtype=torch.bool, device=candidates.device)

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
        """Return the loss of rewards of shapes (B,), (B, C - 1), (B,), (B, C - 1); a scalar.

        The reward of a rejected place that is left out is minus infinity.
        """


class RewardMargin(PreferenceLoss):
    """G-DPO as the paper has it: the implicit reward is the trained, frozen reward on the encoder's embeddings.

    `-log sigmoid(beta [R(E(i+)) - R(E(i-)) - R(E_ref(i+)) + R(E_ref(i-))])` (arXiv 2511.14221, `L_align`). With an
    anchored reward (`AnchoredPair`) R also sees the anchor's embedding, so that it measures the nearness of two
    places; with the literal one (`MismatchedPrompt`) it sees the candidate alone. Only the reward's head is read from
    its checkpoint; it is never trained or saved again. A drifting encoder can raise R without bringing near places
    together: evaluate the result by real distances.

    Args:
        reward: The trained reward model: its checkpoint, `model.ckpt` of its run folder, or the model itself.
        beta: Scale of the reward margin (DPO's beta).
    """

    def __init__(self, reward: str | Path | RewardModel | None = None, beta: float = 1.0) -> None:
        super().__init__()
        self._reward = TrainedReward(type(self).__name__, reward)
        self.beta = beta

    def constructor_arguments(self) -> dict[str, Any]:
        """Return the arguments as they were given, without a reward model: a checkpoint keeps the path of one only."""
        return self._reward.without_models(super().constructor_arguments())

    def prepare(self, encoder: TextEncoder, dataset: Dataset) -> None:
        """Load the head of the reward model; see `TrainedReward`."""
        self._reward.load(encoder)

    def rewards(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the reward of each candidate for its anchor, shape (B, C)."""
        return self._reward.score(anchor, candidates)

    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the pairwise preference loss."""
        return pairwise_preference_loss(chosen, rejected, reference_chosen, reference_rejected, self.beta)


class SimilarityMargin(PreferenceLoss):
    """G-DPO with the cosine to the anchor as implicit reward, pair by pair.

    `-log sigmoid([cos(a, i+) - cos(a, i-) - cos_ref(a, i+) + cos_ref(a, i-)] / temperature)`. It needs no reward
    model, and unlike a reward of one prompt it compares two places. Our alternative to the trained reward
    (docs/method.md, section 2).

    Args:
        temperature: Temperature of the cosine similarities; 1 / temperature is DPO's beta.
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


class SimilaritySoftmax(SimilarityMargin):
    """`SimilarityMargin` with a softmax over all rejected places (our addition).

    The hardest rejected place gets most of the gradient. With one rejected place it equals `SimilarityMargin`.

    Args:
        temperature: Temperature of the cosine similarities; 1 / temperature is DPO's beta.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__(temperature)

    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the softmax preference loss."""
        return softmax_preference_loss(
            chosen, rejected, reference_chosen, reference_rejected, beta=1 / self.temperature
        )


class InBatchSoftmax(SimilarityMargin):
    """Softmax of the cosine to the anchor over the chosen places of the whole batch and the pair's rejected ones.

    InfoNCE (arXiv 1807.03748, eq. 4; `functional.preference.in_batch_softmax_loss`), without a reference: a batch of B
    pairs gives each anchor B - 1 further rejected places that cost no encoding. Those that are positives of the anchor
    as well, or the anchor itself, are left out. Our alternative to the pairwise loss (docs/method.md, section 2).

    Args:
        temperature: Temperature of the cosine similarities.
    """

    def __init__(self, temperature: float = 0.07) -> None:
        super().__init__(temperature)

    def lists(self, candidates: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
        """Return each pair's own candidates, then the chosen places of all pairs: (B, 1 + K + B, D)."""
        own, excluded = super().lists(candidates, positive)
        chosen = candidates[:, 0].expand(len(candidates), -1, -1)  # (B, B, D)
        return torch.cat([own, chosen], dim=1), torch.cat([excluded, positive], dim=1)

    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the softmax loss of the policy alone."""
        still = torch.zeros((), device=chosen.device)
        return softmax_preference_loss(
            chosen, rejected, still.expand_as(chosen), still.expand_as(rejected), beta=1 / self.temperature
        )
