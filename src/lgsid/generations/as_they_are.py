"""No other labels."""

from __future__ import annotations

from lgsid.generations.prefixes import Codes
from lgsid.generations.relabeler import Relabeler
from lgsid.generations.relabeling import Relabeling


class AsTheyAre(Relabeler):
    """Leave every code its own label: what a refit costs without any relabeling."""

    def depth(self, level: int) -> int:
        """Return that no code is looked at."""
        return 0

    def relabeling(self, old: Codes, new: Codes, codebook_sizes: tuple[int, ...]) -> Relabeling:
        """Return no other labels."""
        return Relabeling()
