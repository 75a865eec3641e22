"""A part of the hostile trial: cases at equal distances over every seam. `make fuzz` runs all of it."""

import pytest

import fuzz
from fuzz.case import Case
from fuzz.judge import outcomes

PART = 14


def spread(seam: str, count: int, start: int) -> list[Case]:
    """Return cases of a seam at equal distances."""
    every = fuzz.cases(seam)
    return every[start :: max(1, len(every) // count)][:count]


def failures(seam: str, chosen: list[Case]) -> str:
    """Run cases and say what came of those that failed."""
    bad = [one for one in outcomes(seam, chosen) if not one.is_good]
    return "\n".join(f"{one.verdict}: {one.family}: {one.case}: {one.detail}" for one in bad)


@pytest.mark.parametrize("seam", fuzz.SEAMS)
def test_one_input_of_every_seam(seam):
    assert not failures(seam, spread(seam, 1, start=4))


@pytest.mark.slow
@pytest.mark.parametrize("seam", fuzz.SEAMS)
def test_a_part_of_every_seam(seam):
    assert not failures(seam, spread(seam, PART, start=1))
