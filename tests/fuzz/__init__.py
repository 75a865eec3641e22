"""Bad input by seam. A case makes its input, names a command, and knows what has to come of it.

One module holds one seam: its `cases(rng)` yields those that are spelt out and then, for most, random ones without an
end, so that a larger `--count` is a longer trial. All else is in `case`, `child` (a process for every input), `judge`
(the rules), `mutations` and `shared` (what the inputs are made of).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from importlib import import_module
from random import Random

from fuzz.case import Case
from trial.outcome import Family, Outcome

USUAL_SEED = 2026
SEAMS = {  # name in the table -> module, and how many inputs the usual trial has
    "place tables": ("place_tables", 300),
    "check-in times": ("check_in_times", 230),
    "semantic IDs": ("sids", 200),
    "embeddings": ("embeddings", 100),
    "dataset folders": ("dataset_folders", 360),
    "region polygons": ("regions", 150),
    "training configs": ("training_configs", 220),
    "pipelines and suites": ("pipelines", 380),
    "command lines": ("command_lines", 400),
    "checkpoints": ("checkpoints", 170),
    "hostile names": ("hostile_names", 300),
    "model folders": ("model_folders", 110),
    "result files": ("results", 80),
    "plugins": ("plugins", 170),
}
"""Numbers are upper bounds: a seam without random cases ends earlier."""


def cases(seam: str, seed: int = USUAL_SEED, count: int | None = None) -> list[Case]:
    """Return the cases of a seam; the same seed gives the same ones.

    Args:
        seam: A key of `SEAMS`.
        seed: Random seed.
        count: How many, the usual number if `None`.
    """
    module, usual = SEAMS[seam]
    endless: Iterator[Case] = import_module(f"fuzz.{module}").cases(Random(seed))
    return list(itertools.islice(endless, usual if count is None else count))


def family(seam: str) -> Family:
    """Return the family of runs over the cases of a seam."""

    def run(seed: int, count: int | None) -> Iterator[Outcome]:
        from fuzz.judge import outcomes

        yield from outcomes(seam, cases(seam, seed, count))

    return run


def requests(seed: int, count: int | None) -> Iterator[Outcome]:
    """Send requests to the service, which is made for all of them once, in this process."""
    from fuzz.requests import family

    yield from family(seed, count)


FAMILIES: dict[str, Callable[[int, int | None], Iterator[Outcome]]] = {
    **{seam: family(seam) for seam in SEAMS},
    "requests": requests,
}
