"""Uniform candidates of many places: never the place itself or a near one, each other place as often."""

import numpy as np
import pytest

from lgsid.geo import candidates
from lgsid.geo.candidates import CandidateSampler


@pytest.mark.parametrize("ranked", [0, candidates.RANKED])
def test_far_candidates_are_distinct_and_uniform_over_what_is_left(ranked, monkeypatch):
    monkeypatch.setattr(candidates, "RANKED", ranked)
    rng, n, draws = np.random.default_rng(0), 25, 20_000
    sampler = CandidateSampler(rng.normal(48, 0.1, n), rng.normal(9, 0.1, n), 9, 8, 4)
    drawn = sampler.draw(np.full(draws, 3), rng)
    assert drawn.shape == (draws, 9)
    assert (np.diff(np.sort(drawn, axis=1), axis=1) > 0).all()
    assert (drawn != 3).all()
    near, far = drawn[:, :5], drawn[:, 5:]
    assert set(near.ravel()) == set(sampler.neighbours[3].tolist())
    counts = np.bincount(far.ravel(), minlength=n) / draws
    beyond = np.setdiff1d(np.arange(n), [3, *sampler.neighbours[3]])
    assert np.ptp(counts[beyond]) < 0.03  # a share of about 0.18 each, within four standard errors
    assert counts[3] == 0


def test_all_other_places_as_candidates_are_found_one_after_the_other(monkeypatch):
    monkeypatch.setattr(candidates, "RANKED", 0)
    sampler = CandidateSampler(np.linspace(48, 49, 6), np.linspace(9, 10, 6), 5, 2, 4)
    drawn = sampler.draw(np.arange(6), np.random.default_rng(1))
    assert (np.sort(drawn, axis=1) == [[j for j in range(6) if j != i] for i in range(6)]).all()
