"""Places of one category are relevant to each other."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.alignment import Relevance
from lgsid.artefacts import Dataset
from lgsid.text import TextEncoder


class PartName(Relevance):
    """1 where two places are of the same known category, else 0."""

    def fit(self, dataset: Dataset, encoder: TextEncoder) -> None:
        """Keep the category of each of the N places; 0 is unknown."""
        self._category = torch.from_numpy(dataset.items.codes("category")[0])

    def between(self, rows: Tensor, reference: Tensor) -> Tensor:
        """Return the relevance of each of M places (column) to each other (row), (M, M), of the reference's type."""
        category = self._category[rows.cpu()]
        return ((category[:, None] == category) & (category[:, None] > 0)).to(reference)
