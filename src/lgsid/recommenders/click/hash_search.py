"""Search by signs of random projections, as ETA does."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes
from lgsid.recommenders.click.search_attention import SearchAttention


class HashSearch(SearchAttention):
    """Attend to the k events whose hashes differ from the candidate's in the fewest bits.

    Source: ETA (arXiv 2108.04468): the hash of an embedding is the signs of fixed random projections of it (SimHash),
    so that the share of different bits is, on average, the angle between two embeddings over 180 degrees. The hashes
    follow the embeddings while these are trained; gradients flow through the attention only.

    Args:
        k: Number K of events that are found.
        heads: Number of heads of the attention.
        head_width: Width of queries and keys of a head.
        bits: Number M of bits of a hash.
        seed: Random seed of the projections.
    """

    projections: Tensor  # (D, M) float32

    def __init__(self, k: int = 50, heads: int = 2, head_width: int = 16, bits: int = 64, seed: int = 0) -> None:
        super().__init__(k, heads, head_width)
        self.bits, self.seed = bits, seed

    def build(self, sizes: ClickSizes) -> None:
        """Create the attention and draw the projections, which a checkpoint keeps."""
        super().build(sizes)
        drawn = torch.randn(sizes.event, self.bits, generator=torch.Generator().manual_seed(self.seed))
        self.register_buffer("projections", drawn)

    def signs(self, vectors: Tensor) -> Tensor:
        """Return the hashes of vectors (..., D) as +1 and -1, shape (..., M) float32."""
        return torch.where(vectors @ self.projections >= 0, 1.0, -1.0)

    def relevance(self, inputs: ClickInputs) -> tuple[Tensor, Tensor]:
        """Return the bits that agree less those that differ, exact in float32; every event may be found."""
        return self.signs(inputs.candidate) @ self.signs(inputs.event).mT, inputs.mask[:, None]
