"""The sum of several vectors of an item."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.recommenders.catalogue import Catalogue
from lgsid.typing import DataShape
from lgsid_sasrec.inputs.id_inputs import IDInputs
from lgsid_sasrec.inputs.item_inputs import ItemInputs
from lgsid_sasrec.inputs.sid_inputs import SIDInputs


class SummedInputs(ItemInputs):
    """Add up the vectors of several inputs: what an item shares with others, and what is its own.

    Args:
        parts: The inputs; `IDInputs` and `SIDInputs` if not given.
    """

    def __init__(self, parts: Sequence[ItemInputs] | None = None) -> None:
        super().__init__()
        if parts is not None and not parts:
            raise LgsidError("SummedInputs: parts is empty; name at least one")
        self.parts = nn.ModuleList(parts or (IDInputs(), SIDInputs()))

    def build(self, shape: DataShape, width: int) -> None:
        """Create the layers of all parts."""
        for part in self.parts:
            part.build(shape, width)  # type: ignore[operator]

    def forward(self, catalogue: Catalogue) -> Tensor:
        """Return the sums, shape (N, width)."""
        return torch.stack([part(catalogue) for part in self.parts]).sum(0)
