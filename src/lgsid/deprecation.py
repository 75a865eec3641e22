"""Say that something public will go: what to use in its place, and in which version it goes."""

from __future__ import annotations

import warnings


def deprecated(what: str, replacement: str, removed_in: str) -> None:
    """Warn whoever calls what calls this. It goes on working until the version that is named.

    Args:
        what: What will go, as its users write it: `TIGER(beams=...)`.
        replacement: What to use in its place.
        removed_in: Version of lgsid in which it goes; `tests/unit/test_deprecation.py` fails when that has come.
    """
    warnings.warn(f"{what} goes in lgsid {removed_in}; use {replacement}", FutureWarning, stacklevel=3)
