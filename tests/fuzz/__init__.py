"""Bad input by seam. A case makes its input, names a command, and knows what has to come of it."""

from trial.outcome import Family

FAMILIES: dict[str, Family] = {}
