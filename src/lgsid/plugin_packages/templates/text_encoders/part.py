"""Texts as counts of their n-grams of letters: no pre-trained model, nothing to train."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.text import TextEncoder


class PartName(TextEncoder):
    """Text encoder: sums of fixed random directions, one for each n-gram of letters, scaled to unit length.

    Args:
        dim: Width D of the vectors.
        n: Letters of an n-gram.
        max_length: Maximum number of n-grams; those of the end of a longer text are left out.
        buckets: Number of directions that n-grams are hashed to.
        seed: Random seed of the directions.
    """

    def __init__(self, dim: int = 128, n: int = 3, max_length: int = 256, buckets: int = 4096, seed: int = 0) -> None:
        nn.Module.__init__(self)  # the base class would load a transformers model
        for name, value in (("dim", dim), ("n", n), ("max_length", max_length), ("buckets", buckets)):
            if value < 1:
                raise LgsidError(f"PartName: {name} must be at least 1, not {value}")
        self.dim, self.n, self.max_length, self.buckets, self.seed = dim, n, max_length, buckets, seed
        self.model, self.pooling, self.normalize = f"PartName {n}-grams {buckets} {seed}", "mean", True
        self.autocast, self.batch_size = "float32", 256
        directions = torch.randn(buckets, dim, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("directions", directions)

    @property
    def device(self) -> torch.device:
        """Device of the directions."""
        return self.get_buffer("directions").device

    @property
    def is_trainable(self) -> bool:
        """No weight is trained."""
        return False

    @property
    def has_adapter(self) -> bool:
        """There is none."""
        return False

    def weights_hash(self) -> str:
        """Return what determines the directions, for the cache of vectors."""
        return f"{self.model} {self.dim}"

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the hashed n-grams of B texts; the ends of a text are marked, so that every text has some."""
        return [self.ngrams(f"^{text.lower()}$")[: self.max_length] for text in texts]

    def ngrams(self, text: str) -> list[int]:
        """Return the bucket of each n-gram of a text."""
        starts = range(max(1, len(text) - self.n + 1))
        return [zlib.crc32(text[at : at + self.n].encode()) % self.buckets for at in starts]

    def embed(self, tokens: Sequence[list[int]]) -> Tensor:
        """Encode B tokenized texts as (B, D) float32."""
        flat = torch.tensor([token for text in tokens for token in text], dtype=torch.int64, device=self.device)
        starts = torch.tensor([0, *map(len, tokens)][:-1], device=self.device).cumsum(0)
        summed = nn.functional.embedding_bag(flat, self.get_buffer("directions"), starts, mode="sum")
        return nn.functional.normalize(summed.float(), dim=-1)
