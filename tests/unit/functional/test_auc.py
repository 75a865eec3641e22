"""Areas under ROC curves against a count of pairs."""

import itertools

import pytest
import torch

from lgsid.functional.auc import auc, grouped_auc


def area(scores, labels):
    pairs = list(
        itertools.product(
            [s for s, label in zip(scores, labels, strict=True) if label],
            [s for s, label in zip(scores, labels, strict=True) if not label],
        )
    )
    return sum((p > n) + (p == n) / 2 for p, n in pairs) / len(pairs) if pairs else None


def test_area_counts_pairs_whatever_the_range():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (60,), generator=generator)
    for scale in (1e-3, 1.0, 1e6):
        scores = torch.randint(-9, 9, (60,), generator=generator) * scale
        found = auc(scores, labels)
        assert found.dtype == torch.float64
        assert float(found) == pytest.approx(area(scores.tolist(), labels.tolist()), abs=1e-6)
    for one in (0, 1):
        unknown = auc(torch.arange(3.0), torch.full((3,), one))
        assert unknown.isnan()
        assert unknown.dtype == torch.float64


@pytest.mark.parametrize("distinct", [1, 4, 1000])
def test_areas_of_groups_count_their_pairs(distinct):
    generator = torch.Generator().manual_seed(distinct)
    scores = torch.randint(-distinct, distinct, (80,), generator=generator).double()
    labels, group = (torch.randint(high, (80,), generator=generator) for high in (2, 12))
    areas, sizes = grouped_auc(scores, labels, group * 7)
    expected = []
    for one in range(12):
        own = group == one
        found = area(scores[own].tolist(), labels[own].tolist())
        if found is not None:
            expected.append((found, float(own.sum())))
    assert areas.tolist() == pytest.approx([found for found, _ in expected])
    assert sizes.tolist() == [size for _, size in expected]


def test_the_highest_score_of_a_group_does_not_meet_the_lowest_of_the_next():
    scores = torch.tensor([0.0, 3.0, 1.0, 2.0])  # all different: values number 0 to 3
    areas, sizes = grouped_auc(scores, torch.tensor([1, 1, 0, 0]), torch.tensor([1, 0, 0, 1]))
    assert areas.tolist() == [1.0, 0.0]
    assert sizes.tolist() == [2.0, 2.0]
