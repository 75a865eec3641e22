"""AUC, GAUC and the slices, against loops, scikit-learn and torchmetrics."""

import math

import pytest
import torch
from sklearn.metrics import log_loss, roc_auc_score
from torchmetrics.functional.classification import binary_auroc

from lgsid.functional.auc import auc, grouped_auc
from lgsid.metrics.ctr import CTRMetrics


def draw(n=120, seed=0):
    """Scores with many ties."""
    g = torch.Generator().manual_seed(seed)
    scores = torch.randint(-4, 5, (n,), generator=g).double()
    labels = (torch.rand(n, generator=g) < 0.3).double()
    return scores, labels, torch.randint(0, 7, (n,), generator=g), g


def by_pairs(scores, labels):
    wins = [
        1.0 if p > q else 0.5 if p == q else 0.0
        for p, is_p in zip(scores, labels, strict=True)
        for q, is_q in zip(scores, labels, strict=True)
        if is_p == 1 and is_q == 0
    ]
    return sum(wins) / len(wins) if wins else math.nan


def test_auc_counts_pairs_whatever_the_range():
    scores, labels, _, _ = draw()
    expected = by_pairs(scores.tolist(), labels.tolist())
    assert float(auc(scores, labels)) == pytest.approx(expected)
    assert float(auc(scores * 1e6, labels)) == pytest.approx(expected)  # a sigmoid would make these equal
    assert float(auc(scores.sigmoid(), labels)) == pytest.approx(float(binary_auroc(scores.sigmoid(), labels.long())))
    assert float(auc(scores, labels)) == pytest.approx(roc_auc_score(labels, scores))
    assert auc(scores, torch.ones_like(labels)).isnan()


def test_grouped_auc_is_the_auc_of_each_group():
    scores, labels, group, _ = draw(seed=1)
    labels[group == 3] = 1  # a group with one label has no AUC
    areas, sizes = grouped_auc(scores, labels, group * 1000)
    kept = [g for g in range(7) if len(set(labels[group == g].tolist())) == 2]
    assert 3 not in kept
    for area, size, g in zip(areas, sizes, kept, strict=True):
        part = group == g
        assert float(area) == pytest.approx(by_pairs(scores[part].tolist(), labels[part].tolist()))
        assert float(size) == int(part.sum())


def test_metrics_by_slice_do_not_depend_on_batches():
    scores, labels, user, g = draw(seed=2)
    near = (torch.rand(120, generator=g) < 0.5) | (labels == 1)
    new = torch.rand(120, generator=g) < 0.4
    whole, parts = CTRMetrics(), CTRMetrics()
    whole.update(scores, labels, user, near, new)
    for start in range(0, 120, 37):
        stop = start + 37
        parts.update(*(x[start:stop] for x in (scores, labels, user, near, new)))
    found = whole.compute()
    for key, value in parts.compute().items():
        assert torch.equal(value, found[key]), key
    for name, part in (("", torch.ones(120, dtype=torch.bool)), ("new/", new), ("revisit/", ~new)):
        kept = part & near
        assert float(found[f"{name}auc"]) == pytest.approx(roc_auc_score(labels[part], scores[part]), abs=1e-6)
        assert float(found[f"{name}near_auc"]) == pytest.approx(roc_auc_score(labels[kept], scores[kept]), abs=1e-6)
        assert float(found[f"{name}logloss"]) == pytest.approx(log_loss(labels[part], scores[part].sigmoid()), rel=1e-5)
        areas, sizes = grouped_auc(scores[part], labels[part], user[part])
        assert float(found[f"{name}gauc"]) == pytest.approx(float((areas * sizes).sum() / sizes.sum()), abs=1e-6)


def test_what_cannot_be_computed_is_left_out():
    metrics = CTRMetrics(probabilities=False)
    assert metrics.compute() == {}
    ones = torch.ones(4)
    metrics.update(ones, ones, torch.arange(4), ones.bool(), ones.bool())
    assert set(metrics.compute()) == {"samples", "new/samples"}
