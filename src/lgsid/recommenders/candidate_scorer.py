"""What a recommender must offer to be measured on the click-through task."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from lgsid.typing import SequenceBatch


@runtime_checkable
class CandidateScorer(Protocol):
    """A model that scores given candidates of a query."""

    scores_are_logits: bool
    """Whether the scores are logits of a click, so that they have a logloss."""

    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Score some candidates of each query.

        Args:
            batch: B queries.
            candidate: Shape (B, C), item rows.

        Returns:
            Shape (B, C), higher is better.
        """
