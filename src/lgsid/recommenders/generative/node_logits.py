"""What is known of the places below a prefix, as logits: the kind of plugin."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.generative.generative_recommender import ChildLogits
from lgsid.recommenders.generative.visits import Visits
from lgsid.typing import DataShape, SequenceBatch


class NodeLogits(Describable, nn.Module, ABC):
    """Say something of the nodes of the tree of semantic IDs that is added to a generator's logits.

    Nodes are prefixes, and at the deepest level the items. A part reads them through the items below, which are ranges
    of the sorted items (`ItemTrie`), so that it costs no more for a large node than for a small one.
    """

    @abstractmethod
    def build(self, shape: DataShape, width: int) -> None:
        """Create layers and buffers.

        Args:
            shape: Sizes of the data; L levels of semantic IDs.
            width: Width D of the generator's states.
        """

    def take(self, source: CheckInSource) -> None:
        """Take what the data say of the places, beside what the catalogue holds; nothing by default."""

    @abstractmethod
    def forward(self, batch: SequenceBatch, visits: Visits, state: Tensor, catalogue: Catalogue) -> ChildLogits:
        """Return a function that gives logits of children.

        Args:
            batch: B queries.
            visits: Their past check-ins by place.
            state: Shape (B, D), the encoder's states of the query tokens.
            catalogue: The items and the tree.

        Returns:
            Takes the depth of the parents, 0..L, and C children; returns what is added to their logits, (C,) float32.
        """
