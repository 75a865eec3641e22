"""Plain item IDs as semantic IDs, the control of having semantic IDs at all."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.tokenizers.no_resolution import NoResolution
from lgsid.tokenizers.tokenizer import Tokenizer
from lgsid.typing import ItemBatch


class PlainTokenizer(Tokenizer):
    """Give each of the N items a code of its own, on one level: plain item IDs as semantic IDs.

    What a recommender gains over this control, it gains from codes that places share. The code is the position of the
    item's id among all ids in sorted order. There is nothing to learn but N, which comes from the data.
    """

    def __init__(self) -> None:
        super().__init__(NoResolution())
        self.save_hyperparameters()

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """The number of items.

        Raises:
            LgsidError: if the tokenizer has not seen any.
        """
        if self.data_shape is None:
            raise LgsidError("PlainTokenizer: the number of places is not known yet; fit it, or load a checkpoint")
        return (self.data_shape.n_items,)

    def encode(self, items: ItemBatch) -> Tensor:
        """Number the whole table of items, in the order of their ids, `(N, 1)`.

        Raises:
            LgsidError: if it is not the table that the tokenizer was fitted on, as far as its length tells.
        """
        n_items = self.codebook_sizes[0]
        if len(items) != n_items:
            raise LgsidError(
                f"PlainTokenizer: fitted on {n_items} places, found {len(items)}; fit it on this dataset, which takes"
                " no time"
            )
        return torch.arange(n_items, device=items.item.device)[:, None]

    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return zeros, `(B, N)`: no code is nearer than another."""
        return torch.zeros(len(items), self.codebook_sizes[level], device=items.item.device)
