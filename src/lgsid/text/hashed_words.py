"""Texts as sums of random directions of their words: no pre-trained model, nothing to train, quick."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, normalize

from lgsid.errors import LgsidError
from lgsid.text.text_encoder import TextEncoder

WORD = re.compile(r"\w+")
BETWEEN = "\x1f"  # between the words of a pair, in no word


class HashedWords(TextEncoder):
    """Text encoder of words and pairs of neighboring words: each has a fixed random direction, found by its hash.

    Texts are near that share words. It knows nothing of what words mean; it is for catalogues and tests where a
    pre-trained encoder takes too long, and a control of what one is worth.

    Source: feature hashing (arXiv 0902.2206) with a random projection in place of a table of counts.

    Args:
        dim: Width D of the vectors.
        max_length: Maximum number of words; the rest of a longer text is left out.
        directions: Number of directions that words and pairs are hashed to.
        seed: Random seed of the directions and of the hash.
    """

    def __init__(self, dim: int = 64, max_length: int = 64, directions: int = 65_536, seed: int = 0) -> None:
        nn.Module.__init__(self)  # the base class would load a transformers model
        for name, value in (("dim", dim), ("max_length", max_length), ("directions", directions)):
            if value < 1:
                raise LgsidError(f"HashedWords: {name} must be at least 1, not {value}")
        self.dim, self.max_length, self.directions, self.seed = dim, max_length, directions, seed
        self.model, self.pooling, self.normalize = f"HashedWords {directions} {seed}", "mean", True
        self.autocast, self.batch_size = "float32", 4_096
        table = torch.randn(directions, dim, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("table", table, persistent=False)
        self._bucket = lru_cache(maxsize=1 << 17)(self.bucket)

    @property
    def device(self) -> torch.device:
        """Device of the directions."""
        return self.get_buffer("table").device

    @property
    def is_trainable(self) -> bool:
        """No weight is trained."""
        return False

    @property
    def has_adapter(self) -> bool:
        """There is none."""
        return False

    def weights_hash(self) -> str:
        """Return what determines the directions."""
        return f"{self.model} {self.dim}"

    def bucket(self, word: str) -> int:
        """Return the direction of a word or a pair."""
        return zlib.crc32(word.encode(), self.seed) % self.directions

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the directions of the words and pairs of B texts; a text without a word has that of none."""
        return [self.features(text) for text in texts]

    def features(self, text: str) -> list[int]:
        """Return the directions of the words and pairs of a text."""
        words = WORD.findall(text.casefold())[: self.max_length] or [""]
        pairs = [f"{one}{BETWEEN}{other}" for one, other in pairwise(words)]
        return [self._bucket(word) for word in (*words, *pairs)]

    def embed(self, tokens: Sequence[list[int]]) -> Tensor:
        """Encode B tokenized texts as (B, D) float32."""
        flat = torch.tensor([token for text in tokens for token in text], dtype=torch.int64, device=self.device)
        starts = torch.tensor([0, *map(len, tokens)][:-1], device=self.device).cumsum(0)
        summed = embedding_bag(flat, self.get_buffer("table"), starts, mode="sum")
        return normalize(summed.float(), dim=-1)
