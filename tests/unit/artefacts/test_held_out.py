"""Items that are held out are told from their ids."""

import numpy as np
import pytest

from lgsid.artefacts.held_out import held_out
from lgsid.errors import LgsidError

IDS = np.array([f"p{i}" for i in range(20_000)], dtype=object)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_share_is_kept(share):
    assert held_out(IDS, share, seed=3).mean() == pytest.approx(share, abs=0.01)


def test_order_and_the_other_items_do_not_matter():
    order = np.random.default_rng(0).permutation(len(IDS))[:500]
    assert np.array_equal(held_out(IDS[order], 0.2), held_out(IDS, 0.2)[order])


def test_seeds_are_independent_and_shares_nest():
    first, second = held_out(IDS, 0.2, seed=0), held_out(IDS, 0.2, seed=1)
    assert (first & second).mean() == pytest.approx(0.04, abs=0.01)
    assert held_out(IDS, 0.4)[first].all()


def test_the_same_items_on_every_machine():
    assert np.flatnonzero(held_out(IDS[:40], 0.2)).tolist() == [4, 5, 9, 13, 15, 19, 28, 30, 32, 35, 39]


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(LgsidError, match="share of items held out"):
        held_out(IDS, share)
