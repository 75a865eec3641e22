"""One label for each code of a level."""

from __future__ import annotations

from lgsid.generations.relabeler import Relabeler


class ByLevel(Relabeler):
    """Choose one label for each code of a level, whatever stands before it: a shared codebook stays shared."""

    def depth(self, level: int) -> int:
        """Return that the labels of a level depend on no other code."""
        return 0
