"""Residual quantization against loops over the definitions."""

import math

import pytest
import torch

from lgsid.functional.residual import (
    mean_square,
    nearest,
    residual_decode,
    residual_distances,
    residual_encode,
    soft_assignment,
    squared_distances,
    usage_entropy,
)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X, BOOKS = drawn(40, 6), [drawn(7, 6, seed=1), drawn(5, 6, seed=2), drawn(9, 6, seed=3)]


def test_distances_are_those_of_a_loop():
    found = squared_distances(X, BOOKS[0])
    assert found.dtype == torch.float64
    expected = [[float((x.double() - c.double()).square().sum()) for c in BOOKS[0]] for x in X]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    same = X * 1e3
    assert (squared_distances(same, same) >= 0).all()


def test_equally_near_centroids_are_told_apart_by_their_row():
    book = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    assert nearest(torch.tensor([[1.0, 0.0], [0.0, 3.0], [-2.0, 0.0]]), book).tolist() == [0, 0, 1]


def test_levels_quantize_what_is_left():
    codes, residuals = residual_encode(X, BOOKS)
    assert (codes.shape, codes.dtype, len(residuals)) == ((40, 3), torch.int64, 4)
    for row in range(len(X)):
        rest = X[row]
        for level, book in enumerate(BOOKS):
            torch.testing.assert_close(residuals[level][row], rest)
            squares = [float((rest - centroid).square().sum()) for centroid in book]
            assert int(codes[row, level]) == squares.index(min(squares))
            asked = residual_distances(X, BOOKS, codes, level)[row]
            torch.testing.assert_close(asked, torch.tensor(squares).double(), rtol=1e-4, atol=1e-4)
            rest = rest - book[codes[row, level]]
        torch.testing.assert_close(residuals[-1][row], rest)
    torch.testing.assert_close(residual_decode(codes, BOOKS), X - residuals[-1])


def test_mean_square_is_that_of_the_rows_and_never_nothing():
    assert float(mean_square(X)) == pytest.approx(sum(float(x.square().sum()) for x in X) / len(X), rel=1e-5)
    assert float(mean_square(torch.zeros(3, 2))) == pytest.approx(1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_assignments_follow_the_distance(temperature):
    found = soft_assignment(X, BOOKS[0], temperature)
    squares = torch.stack([(X - centroid).square().sum(dim=1) for centroid in BOOKS[0]], dim=1)
    scale = sum(min(row) for row in squares.tolist()) / len(X)
    expected = [[math.exp(-s / (temperature * scale)) for s in row] for row in squares.tolist()]
    expected = torch.tensor([[weight / sum(row) for weight in row] for row in expected])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(soft_assignment(X * 9, BOOKS[0] * 9, temperature), found, rtol=1e-3, atol=1e-5)


def test_entropy_of_usage_is_a_share_of_its_maximum():
    assert float(usage_entropy(torch.eye(4))) == pytest.approx(1.0)
    assert float(usage_entropy(torch.eye(4)[[0, 0, 0]])) == pytest.approx(0.0, abs=1e-6)
    half = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    assert float(usage_entropy(half)) == pytest.approx(0.5)
    uneven = torch.tensor([[0.75, 0.25]])
    bits = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert float(usage_entropy(uneven)) == pytest.approx(bits, rel=1e-5)
    assert float(usage_entropy(torch.ones(3, 1))) == 0.0  # one centroid
    assignment = torch.tensor([[0.6, 0.4]], requires_grad=True)
    usage_entropy(assignment).backward()
    assert assignment.grad[0, 0] < assignment.grad[0, 1]  # more of the rarer one is more entropy
