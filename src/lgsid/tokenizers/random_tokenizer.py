"""Random semantic IDs, the control of every comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.artefacts.codes import check_sizes
from lgsid.errors import LgsidError
from lgsid.functional.sids import unpack_codes
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.tokenizer import Tokenizer
from lgsid.typing import ItemBatch


class RandomTokenizer(Tokenizer):
    """Give items random codes of a given shape, unique as far as the codebooks hold the items.

    What a recommender gains over this control, it gains from the meaning of the codes. The codes depend on the
    seed and the order of the item ids only. Where there are more items than semantic IDs, all are used equally
    often, give or take one.

    Args:
        codebook_sizes: Number of codes of each level; take those of the tokenizer to compare with.
        seed: Random seed for the codes.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        optimizer: Not used: there is nothing to learn.
    """

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (128, 64, 64),
        seed: int = 0,
        collisions: CollisionStrategy | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        super().__init__(collisions, optimizer)
        self.save_hyperparameters()
        self._codebook_sizes = check_sizes(codebook_sizes, "RandomTokenizer")
        if math.prod(self._codebook_sizes) >= 2**63:
            raise LgsidError(f"RandomTokenizer: codebook_sizes {self._codebook_sizes}: 2^63 semantic IDs or more")
        self.seed = seed

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level."""
        return self._codebook_sizes

    def encode(self, items: ItemBatch) -> Tensor:
        """Sample the codes `(B, L)` of a whole table of items; a part of the table encoded alone gets others."""
        generator, capacity = np.random.default_rng(self.seed), math.prod(self.codebook_sizes)
        whole, rest = divmod(len(items), capacity)
        drawn = generator.choice(capacity, size=rest, replace=False, shuffle=True)
        every = np.tile(np.arange(capacity if whole else 0), whole)
        packed = generator.permutation(np.concatenate([every, drawn]))
        return unpack_codes(torch.from_numpy(packed.astype(np.int64)), self.codebook_sizes).to(items.item.device)

    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return zeros, `(B, K)`: no code is nearer than another."""
        return torch.zeros(len(items), self.codebook_sizes[level], device=items.item.device)
