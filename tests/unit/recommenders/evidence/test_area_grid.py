"""Sums over the surroundings of places."""

import itertools

import numpy as np
import pytest
import torch

from lgsid.recommenders.evidence.area_grid import AreaGrid


def weights_of(position, width):
    """Return corner -> weight of one place, by the definition."""
    at = [float(x) / width for x in position]
    found = {}
    for step in itertools.product((0, 1), repeat=3):
        corner = tuple(int(np.floor(x)) + s for x, s in zip(at, step, strict=True))
        parts = [x - np.floor(x) if s else 1 - (x - np.floor(x)) for x, s in zip(at, step, strict=True)]
        found[corner] = float(np.prod(parts))
    return found


@pytest.mark.parametrize("width", [0.4, 1.0, 7.0])
def test_what_lies_around_is_a_product_of_trilinear_weights(width):
    drawn = torch.Generator().manual_seed(0)
    position = torch.randn(40, 3, generator=drawn, dtype=torch.float64) * 2 - torch.tensor([6371.0, 0.0, 0.0])
    values = torch.rand(5, 40, generator=drawn)
    weights = [weights_of(row, width) for row in position.tolist()]
    kernel = torch.tensor([[sum(w * b.get(corner, 0.0) for corner, w in a.items()) for b in weights] for a in weights])
    torch.testing.assert_close(AreaGrid.of(position, width).around(values), values @ kernel, atol=1e-5, rtol=1e-4)


def test_values_at_a_few_places_are_summed_as_the_table_that_has_them():
    drawn = torch.Generator().manual_seed(1)
    grid = AreaGrid.of(torch.randn(40, 3, generator=drawn) * 2, 1.0)
    place, value = torch.randint(40, (5, 9), generator=drawn), torch.rand(5, 9, generator=drawn)
    value[:, :3] = 0  # padding
    table = torch.zeros(5, 40).scatter_add_(1, place, value)
    torch.testing.assert_close(grid.around_some(place, value), grid.around(table))
    assert not grid.around_some(place[:, :0], value[:, :0]).any()
    assert grid.around_some(place[:0], value[:0]).shape == (0, 40)


def test_no_query_on_several_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        grid = AreaGrid.of(torch.randn(100_000, 3), 1.0)
        assert grid.around(torch.zeros(0, 100_000)).shape == (0, 100_000)
        assert grid.around_some(torch.zeros(0, 5, dtype=torch.int64), torch.zeros(0, 5)).shape == (0, 100_000)
    finally:
        torch.set_num_threads(threads)


def test_corners_far_apart_are_not_taken_for_one():
    position = torch.tensor([[6371.0, 0, 0], [-6371.0, 0, 0], [0, 6371.0, 0], [0, 0, -6371.0]], dtype=torch.float64)
    found = AreaGrid.of(position, 0.001).around(torch.eye(4))
    assert (found > 0).tolist() == torch.eye(4).bool().tolist()


def test_one_place_and_no_query():
    grid = AreaGrid.of(torch.zeros(1, 3), 1.0)
    assert grid.around(torch.ones(2, 1)).tolist() == [[1.0], [1.0]]
    assert grid.around(torch.ones(0, 1)).shape == (0, 1)


def test_far_places_share_nothing():
    grid = AreaGrid.of(torch.tensor([[0.5, 0.5, 0.5], [3.5, 0.5, 0.5]]), 1.0)
    assert grid.around(torch.tensor([[1.0, 0.0]]))[0].tolist() == pytest.approx([0.125, 0.0])
