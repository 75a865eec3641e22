"""Where in the code an error came from."""

from __future__ import annotations

import traceback
from pathlib import Path

DEEPEST = 8


def where(error: BaseException) -> list[str]:
    """Return the last lines of code that an error went through: no values, for they may be of users."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
