"""Columns of evidence, against loops over the log."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules import SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import (
    AreaEvidence,
    BrandEvidence,
    Catalogue,
    CategoryEvidence,
    ContentEvidence,
    CoVisitEvidence,
    DistanceEvidence,
    PopularityEvidence,
    TransitionEvidence,
    VisitorEvidence,
)
from lgsid.recommenders.evidence import QueryView
from lgsid.recommenders.evidence.area_grid import AreaGrid
from lgsid.testing import EvidenceContract, toy_city

N = 60


class TestDistance(EvidenceContract):
    def make(self):
        return DistanceEvidence()


class TestPopularity(EvidenceContract):
    of_all_check_ins = ("overall", "expected")

    def make(self):
        return PopularityEvidence()


class TestCategory(EvidenceContract):
    of_all_check_ins = ("share", "group_share")

    def make(self):
        return CategoryEvidence()


class TestBrand(EvidenceContract):
    def make(self):
        return BrandEvidence()


class TestVisitors(EvidenceContract):
    def make(self):
        return VisitorEvidence()


class TestArea(EvidenceContract):
    def make(self):
        return AreaEvidence()

    def nobody_at(self, log, item, other):
        """Check-ins at another place would be around."""
        return replace(log, split=np.where(log.item == item, "val", log.split))


class TestTransition(EvidenceContract):
    def make(self):
        return TransitionEvidence()


class TestCoVisit(EvidenceContract):
    def make(self):
        return CoVisitEvidence(neighbors=N)


class TestContent(EvidenceContract):
    def make(self):
        return ContentEvidence()


@pytest.fixture(scope="module")
def data():
    made = SequenceData(toy_city())
    made.setup()
    made.embeddings = np.random.default_rng(0).normal(size=(N, 8)).astype(np.float32)
    return made


def counted(make, data):
    evidence = make()
    evidence.build(replace(data.shape, embedding_dim=8))
    evidence.count(data)
    return evidence


def catalogue_of(data):
    catalogue = Catalogue(data.shape)
    catalogue.fill(data)
    return catalogue


def columns(evidence, data, rows):
    view = QueryView.of(sequence_batch(data.log, np.asarray(rows)), N)
    found = list(evidence.columns(view, catalogue_of(data)))
    assert len(found) == evidence.n_columns
    for column in found:
        assert column.shape == (len(rows), N)
        assert column.dtype == torch.float32
        assert column.isfinite().all()
    return torch.stack(found, -1)


def past_of(log, row):
    return [r for r in range(row) if log.user[r] == log.user[row]]


def usual_of(log, row):
    """Return place -> weight of the past check-ins at such a time."""
    weight = {}
    past = past_of(log, row)
    for r in past:
        apart = abs(float(log.hour[r]) - float(log.hour[row]))
        apart = min(apart, 24 - apart)
        days = (log.time_s[row] - log.time_s[r]) / 86400
        value = math.exp(-((apart / 2) ** 2) / 2) * math.exp(-days / 30)
        value *= 1 if (log.weekday[r] >= 5) == (log.weekday[row] >= 5) else 0.5
        value *= 0.3 if log.item[r] == log.item[past[-1]] else 1
        weight[int(log.item[r])] = weight.get(int(log.item[r]), 0) + value
    return {place: value / sum(weight.values()) for place, value in weight.items()}


def test_distances_are_those_from_the_last_the_one_before_the_favorite_the_nearest_and_the_usual(data):
    log, catalogue = data.log, catalogue_of(data)
    rows = data.queries("test")[:5]
    found = columns(counted(lambda: DistanceEvidence(recent=3, usual=2), data), data, rows)
    for b, row in enumerate(rows):
        places = [int(log.item[r]) for r in past_of(log, row)]
        favorite = max(sorted(set(places)), key=places.count)
        for item in (0, 17, 44):
            km = [float((catalogue.position_km[item] - catalogue.position_km[p]).norm()) for p in range(N)]
            share = usual_of(log, row)
            usual = sorted(share, key=share.get, reverse=True)[:2]
            origins = [km[places[-1]], km[places[-2]], km[favorite], min(km[p] for p in places[-3:]), km[usual[0]]]
            expected = [v for x in origins for v in (math.sqrt(x / 0.3), math.log(x + 0.05), math.exp(-x / 0.3))]
            expected.append(math.log(sum(share[p] * math.exp(-math.sqrt(km[p] / 0.3)) for p in usual) + 1e-4))
            assert found[b, item].tolist() == pytest.approx(expected, abs=0.06)  # squares of 6,371 km round


def test_transitions_are_counted(data):
    log = data.log
    rows = data.queries("test")[:12]
    found = columns(counted(TransitionEvidence, data), data, rows)
    steps = np.zeros((N, N))
    for row in np.flatnonzero(log.split == "train"):
        if past_of(log, row):
            steps[log.item[past_of(log, row)[-1]], log.item[row]] += 1
    for b, row in enumerate(rows):
        last, second = (log.item[past_of(log, row)[-k]] for k in (1, 2))
        expected = [
            np.log1p(steps[last]),
            np.log1p(100 * steps[last] / (steps[last].sum() + 5)),
            np.log1p(steps[second]),
            np.log1p(steps[:, last]),
        ]
        assert np.allclose(found[b].numpy(), np.stack(expected, 1), atol=1e-5)


def test_co_visits_are_shared_users(data):
    log = data.log
    rows = data.queries("test")[:6]
    found = columns(counted(lambda: CoVisitEvidence(neighbors=N, recent=4), data), data, rows)
    users = [set(log.user[(log.item == item) & (log.split == "train")].tolist()) for item in range(N)]
    for b, row in enumerate(rows):
        places = [int(log.item[r]) for r in past_of(log, row)]
        for at, counts in enumerate((places[-4:], places)):
            for item in (2, 30, 59):
                total = sum(
                    len(users[p] & users[item]) / math.sqrt((len(users[p]) + 1) * (len(users[item]) + 3))
                    for p in set(counts)
                    if p != item
                )
                assert float(found[b, item, at]) == pytest.approx(math.log(total + 0.02), abs=1e-4)


def test_the_nearest_neighbors_are_kept(data):
    evidence = counted(lambda: CoVisitEvidence(neighbors=5), data)
    everyone = counted(lambda: CoVisitEvidence(neighbors=N), data)
    for item in range(N):
        kept, all_of = (slice(int(e.first[item]), int(e.first[item + 1])) for e in (evidence, everyone))
        assert kept.stop - kept.start == min(5, all_of.stop - all_of.start)
        cosine = everyone.both[all_of] / (everyone.n_users[item] * everyone.n_users[everyone.item[all_of]]).sqrt()
        best = cosine.sort(descending=True).values[:5]
        mine = evidence.both[kept] / (evidence.n_users[item] * evidence.n_users[evidence.item[kept]]).sqrt()
        assert torch.allclose(mine.sort(descending=True).values, best)
        assert item not in evidence.item[kept].tolist()
    with pytest.raises(LgsidError, match="neighbors must be at least 1, not 0"):
        CoVisitEvidence(neighbors=0)


def test_popularity_is_that_of_the_training_and_of_the_hour(data):
    log = data.log
    rows = data.queries("test")[:8]
    narrow = columns(counted(lambda: PopularityEvidence(width_h=1e-3, prior=1e-6), data), data, rows)
    for b, row in enumerate(rows):
        training = (log.split == "train") & (np.arange(len(log)) >= 0)
        hour = np.floor(log.hour).astype(int)
        overall = (np.bincount(hour[training], minlength=24) + 1) / (training.sum() + 24)
        for item in range(N):
            here = training & (log.item == item)
            assert float(narrow[b, item, 0]) == pytest.approx(math.log(here.sum() + 0.1), abs=1e-4)
            now = (here & (hour == hour[row])).sum()
            if now:
                lift = math.log(now / here.sum() / overall[hour[row]])
                assert float(narrow[b, item, 1]) == pytest.approx(lift, abs=1e-3)


def test_categories_lift(data):
    log, kind = data.log, data.dataset.items.codes("category")[0]
    rows = data.queries("test")[:5]
    found = columns(counted(CategoryEvidence, data), data, rows)
    training = log.split == "train"
    share = np.bincount(kind[log.item[training]], minlength=kind.max() + 1) + 1.0
    share /= share.sum()
    for b, row in enumerate(rows):
        past = np.bincount(kind[log.item[past_of(log, row)]], minlength=len(share))
        lift = np.log((past + 5 * share) / (past.sum() + 5) / share)
        assert np.allclose(found[b, :, 1].numpy(), lift[kind], atol=1e-4)
        last = kind[log.item[past_of(log, row)[-1]]]
        after = np.zeros(len(share))
        for r in np.flatnonzero(training):
            if past_of(log, r) and kind[log.item[past_of(log, r)[-1]]] == last:
                after[kind[log.item[r]]] += 1
        lift = np.log((after + 5 * share) / (after.sum() + 5) / share)
        assert np.allclose(found[b, :, 3].numpy(), lift[kind], atol=1e-4)


def test_content_is_the_cosine_with_the_past(data):
    rows = data.queries("test")[:4]
    found = columns(counted(ContentEvidence, data), data, rows)
    unit = data.embeddings / np.linalg.norm(data.embeddings, axis=1, keepdims=True)
    for b, row in enumerate(rows):
        places = data.log.item[past_of(data.log, row)]
        mean = unit[places].sum(0)
        assert np.allclose(found[b, :, 0], unit @ unit[places[-1]], atol=1e-5)
        assert np.allclose(found[b, :, 1], unit @ mean / np.linalg.norm(mean), atol=1e-5)
    with pytest.raises(LgsidError, match=r"the data have no vectors; give data\.init_args\.embeddings"):
        ContentEvidence().build(data.shape)


def test_branches_of_one_chain_count_together(data):
    log, brand = data.log, data.dataset.items.codes("brand")[0]
    rows = data.queries("test")[:12]
    found = columns(counted(BrandEvidence, data), data, rows)[..., 0]
    assert found.any()
    for b, row in enumerate(rows):
        visited = brand[log.item[past_of(log, row)]]
        expected = [math.log1p((visited == brand[i]).sum()) if brand[i] else 0.0 for i in range(N)]
        assert found[b].tolist() == pytest.approx(expected, abs=1e-5)


def test_visitors_are_counted_once_each_and_the_user_who_has_yet_to_come_is_not(data):
    log = data.log
    rows = np.concatenate([data.queries("train")[::40], data.queries("test")[:3]])
    found = columns(counted(VisitorEvidence, data), data, rows)
    for b, row in enumerate(rows):
        kept = (log.split == "train") & ((log.user != log.user[row]) | (np.arange(len(log)) < row))
        for item in range(N):
            here = kept & (log.item == item)
            visitors = len(set(log.user[here].tolist()))
            expected = [math.log(visitors + 0.1), math.log((here.sum() + 1) / (visitors + 1))]
            assert found[b, item].tolist() == pytest.approx(expected, abs=1e-4)


def test_areas_hold_the_distinct_places_of_the_past_and_everybodys_check_ins(data):
    log, catalogue = data.log, catalogue_of(data)
    rows = np.concatenate([data.queries("train")[::40], data.queries("test")[:3]])
    widths = [0.2, 1.0]
    found = columns(counted(lambda: AreaEvidence(widths_km=widths, floor=0.01), data), data, rows)
    kernels = [AreaGrid.of(catalogue.position_km, width).around(torch.eye(N)) for width in widths]
    for b, row in enumerate(rows):
        kept = (log.split == "train") & ((log.user != log.user[row]) | (np.arange(len(log)) < row))
        check_ins = torch.from_numpy(np.bincount(log.item[kept], minlength=N) / kept.sum()).float()
        places = sorted({int(log.item[r]) for r in past_of(log, row)})
        for kernel, (share, lift) in zip(kernels, found[b].T.reshape(2, 2, N), strict=True):
            own = kernel[places].mean(0) + 0.01
            torch.testing.assert_close(share, own.log(), atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(lift, (own / (check_ins @ kernel + 0.01)).log(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("wrong", [{"widths_km": []}, {"widths_km": [1.0, 0.0]}, {"floor": 0.0}])
def test_areas_have_a_width_and_a_floor(wrong):
    with pytest.raises(LgsidError, match=rf"AreaEvidence: {next(iter(wrong))} must be "):
        AreaEvidence(**wrong)
