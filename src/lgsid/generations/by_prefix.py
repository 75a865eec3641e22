"""Labels below every prefix."""

from __future__ import annotations

from lgsid.generations.relabeler import Relabeler


class ByPrefix(Relabeler):
    """Choose labels of their own below every prefix: least churn.

    The same code below two prefixes may get two labels. Where a codebook is shared by all prefixes, as in residual
    quantization, a code then no longer means the same everywhere; see `ByLevel`.
    """

    def depth(self, level: int) -> int:
        """Return that the labels of a level depend on all codes before it."""
        return level
