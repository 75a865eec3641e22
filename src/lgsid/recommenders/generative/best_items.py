"""The best items that a search has found so far."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lgsid.functional.segments import best_per_segment


@dataclass(frozen=True)
class BestItems:
    """The best k items of each of B queries: by score, equal scores in the order of the tree."""

    score: Tensor  # (B, k) float32, minus infinity where there are fewer
    position: Tensor  # (B, k) among the N sorted items, N where there are fewer
    n_items: int  # N

    @classmethod
    def none(cls, n_queries: int, k: int, n_items: int, device: torch.device) -> BestItems:
        """Return what is known before anything is found."""
        score = torch.full((n_queries, k), -torch.inf, device=device)
        return cls(score, torch.full((n_queries, k), n_items, device=device), n_items)

    def beaten_by(self, score: Tensor, query: Tensor, position: Tensor) -> Tensor:
        """Tell what would be among the best k.

        Args:
            score: Shape (C,), of items, or bounds of groups of them; NaN and minus infinity never are.
            query: Shape (C,).
            position: Shape (C,), of the item, or of the first one of the group.

        Returns:
            Shape (C,) bool.
        """
        last, at = self.score[query, -1], self.position[query, -1]
        return (score > last) | ((score == last) & (position < at) & (score > -torch.inf))

    def joined_with(self, score: Tensor, query: Tensor, position: Tensor) -> BestItems:
        """Return the best k of these and C more items, arguments as above."""
        n_queries, k = self.score.shape
        rows = torch.arange(n_queries, device=query.device).repeat_interleave(k)
        score, query = torch.cat([self.score.flatten(), score]), torch.cat([rows, query])
        position = torch.cat([self.position.flatten(), position])
        order = (query * (self.n_items + 1) + position).argsort()
        chosen, best = best_per_segment(score[order], query[order], n_queries, k)
        position = torch.where(chosen >= 0, position[order][chosen.clamp_min(0)], self.n_items)
        return BestItems(best, position, self.n_items)
