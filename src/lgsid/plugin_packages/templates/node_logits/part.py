"""How many places there are below a prefix."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgsid.recommenders import Catalogue, NodeLogits
from lgsid.recommenders.generative.generative_recommender import ChildLogits
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children
from lgsid.typing import DataShape, SequenceBatch


class PartName(NodeLogits):
    """Add `w log n` to the logit of a node with n places below it.

    With w = 1, where it starts, a generator that knows nothing gives all places the same probability, and not all
    nodes; w is learned.
    """

    def build(self, shape: DataShape, width: int) -> None:
        """Create the weight."""
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, batch: SequenceBatch, visits: Visits, state: Tensor, catalogue: Catalogue) -> ChildLogits:
        """Return a function that gives logits of children.

        Args:
            batch: B queries.
            visits: Their past check-ins by place.
            state: Shape (B, D), the encoder's states of the query tokens.
            catalogue: The items and the tree of their semantic IDs.

        Returns:
            Takes the depth of the parents, 0..L, and C children; returns what is added to their logits, (C,) float32.
        """

        def logits(depth: int, children: Children) -> Tensor:
            level = catalogue.trie.levels[depth + 1]
            return self.weight * (level.end - level.start)[children.node].float().log()

        return logits
