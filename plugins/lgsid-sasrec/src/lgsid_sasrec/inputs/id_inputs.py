"""A vector of its own for each item."""

from __future__ import annotations

from torch import Tensor, nn

from lgsid.recommenders.catalogue import Catalogue
from lgsid.typing import DataShape
from lgsid_sasrec.inputs.item_inputs import ItemInputs


class IDInputs(ItemInputs):
    """Learn a vector for each item, as in the paper; a place without training check-ins keeps its random one."""

    def build(self, shape: DataShape, width: int) -> None:
        """Create the table."""
        self.table = nn.Embedding(shape.n_items, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)

    def forward(self, catalogue: Catalogue) -> Tensor:
        """Return the table, shape (N, width)."""
        return self.table.weight
