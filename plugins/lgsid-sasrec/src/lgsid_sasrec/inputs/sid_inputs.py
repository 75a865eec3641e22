"""The vector of an item from its semantic ID."""

from __future__ import annotations

from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.recommenders import LevelSids, SidFeatures
from lgsid.recommenders.catalogue import Catalogue
from lgsid.typing import DataShape
from lgsid_sasrec.inputs.item_inputs import ItemInputs


class SIDInputs(ItemInputs):
    """Embed the codes of an item and project them: places that share codes share what was learned about them.

    Items with one and the same semantic ID have one vector and tie.

    Args:
        sid_features: How codes become values; each level on its own, 32 values each, if not given.
    """

    def __init__(self, sid_features: SidFeatures | None = None) -> None:
        super().__init__()
        self.sid_features = sid_features or LevelSids(width=32)
        if not self.sid_features.needs_sids:
            raise LgsidError(f"SIDInputs: {type(self.sid_features).__name__} reads no semantic IDs; use IDInputs")

    def build(self, shape: DataShape, width: int) -> None:
        """Create the tables of codes and the projection.

        Raises:
            LgsidError: if the data carry no semantic IDs.
        """
        if not shape.codebook_sizes:
            raise LgsidError("SIDInputs: the data have no semantic IDs; give data.init_args.sids, or use IDInputs")
        self.sid_features.build(shape.codebook_sizes)
        self.project = nn.Linear(self.sid_features.dim, width, bias=False)

    def forward(self, catalogue: Catalogue) -> Tensor:
        """Return the projected features of the codes of all items, shape (N, width)."""
        vectors: Tensor = self.project(self.sid_features(catalogue.codes))
        return vectors
