"""Cells of the global grid as text."""

from decimal import Decimal

import numpy as np
import pytest

from lgsid.text.grid_cells import LEVELS, cell_level, cell_texts


def plain(lat: str, lon: str, level: int) -> str:
    """The same in decimal arithmetic, a division at a time."""
    rest, pair = [Decimal(lat) + 90, (Decimal(lon) + 180) % 360], []
    side = Decimal(10)
    for _ in range(level):
        pair = [int(r / side) for r in rest]
        rest = [r - p * side for r, p in zip(rest, pair, strict=True)]
        side /= 10
    return f"{pair[0]} {pair[1]}"


@pytest.mark.parametrize("level", range(1, LEVELS + 1))
def test_cells_are_the_digits_of_the_position(level: int) -> None:
    rng = np.random.default_rng(0)
    lat = [f"{x:.3f}" for x in rng.uniform(-90, 90, 300)] + ["40.7", "-90", "0", "0.1", "-0.3"]
    lon = [f"{x:.3f}" for x in rng.uniform(-180, 180, 300)] + ["-74.1", "-180", "0", "179.999", "180"]
    found = cell_texts(np.array(lat, float), np.array(lon, float), level)
    assert found == [plain(*at, level) for at in zip(lat, lon, strict=True)]


def test_cells_are_nested_and_small() -> None:
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(40.60, 40.62, 400), rng.uniform(-74, -73.98, 400)
    names = [cell_texts(lat, lon, level) for level in range(1, LEVELS + 1)]
    for level in range(1, LEVELS + 1):
        cells: dict[tuple[str, ...], list[int]] = {}
        for i, path in enumerate(zip(*names[:level], strict=True)):
            cells.setdefault(path, []).append(i)
        side = 10.0 ** (2 - level)
        for rows in cells.values():
            assert np.ptp(lat[rows]) <= side
            assert np.ptp(lon[rows]) <= side
    assert len(cells) > 200


def test_the_poles_the_date_line_and_the_unknown() -> None:
    assert cell_texts([90.0, 89.9999999], [0.0, 0.0], 1) == ["17 18"] * 2
    assert cell_texts([90.0], [0.0], 5) == ["9 0"]
    assert cell_texts([0.0, 0.0], [180.0, -180.0], 1) == ["9 0"] * 2
    assert cell_texts([np.nan, 0.0, 1.0], [0.0, np.nan, 1.0], 3) == ["", "", "0 0"]


def test_fields_name_levels() -> None:
    assert [cell_level(f"cell_{n}") for n in range(7)] == [None, 1, 2, 3, 4, 5, None]
    assert cell_level("cell_01") is cell_level("xcell_1") is cell_level("cell_") is None
