"""Leave collisions as they are."""

from __future__ import annotations

from lgsid.tokenizers.collision_strategy import CodeDistances, Codes, CollisionStrategy, Resolved


class NoResolution(CollisionStrategy):
    """Keep the codes as they are: items may share a semantic ID."""

    by_first_code = True

    def resolve(self, codes: Codes, codebook_sizes: tuple[int, ...], distances: CodeDistances) -> Resolved:
        """Return `codes` unchanged."""
        return Resolved(codes, codebook_sizes)
