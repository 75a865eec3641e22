"""Ragged lists, against loops over them."""

import torch

from lgsid.functional.segments import best_per_segment, places_in_segments, segment_log_softmax


def test_places_count_from_the_first_of_each_segment():
    place, first = places_in_segments(torch.tensor([0, 0, 2, 2, 2, 3]), 5)
    assert place.tolist() == [0, 1, 0, 1, 2, 0]
    assert first[torch.tensor([0, 2, 3])].tolist() == [0, 2, 5]


def test_best_per_segment_keeps_the_order_of_equals():
    scores = torch.tensor([1.0, 3.0, 3.0, torch.nan, -torch.inf, 2.0, 3.0])
    query = torch.tensor([0, 0, 0, 0, 2, 2, 2])
    chosen, values = best_per_segment(scores, query, 4, 3)
    assert chosen.tolist() == [[1, 2, 0], [-1, -1, -1], [6, 5, -1], [-1, -1, -1]]
    assert values[0].tolist() == [3.0, 3.0, 1.0]


def test_segment_log_softmax_is_log_softmax_by_segment_with_its_gradient():
    logits = torch.randn(9, dtype=torch.float64, requires_grad=True)
    segment = torch.tensor([0, 0, 0, 2, 2, 3, 3, 3, 3])
    found = segment_log_softmax(logits, segment, 5)
    expected = torch.cat([part.log_softmax(0) for part in logits.split([3, 2, 4])])
    assert torch.allclose(found, expected)
    weights = torch.randn(9, dtype=torch.float64)
    one = torch.autograd.grad((found * weights).sum(), logits)[0]
    two = torch.autograd.grad((expected * weights).sum(), logits)[0]
    assert torch.allclose(one, two)
    far = segment_log_softmax(torch.tensor([1e4, -1e4, 0.0]), torch.tensor([0, 0, 1]), 2)
    assert far.tolist() == [0.0, -2e4, 0.0]
