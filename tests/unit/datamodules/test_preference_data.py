"""Pairs of several samplers, and the places that are held out of them."""

import numpy as np
import pytest
import torch

from lgsid.alignment import (
    CollaborativePairs,
    FarPairs,
    NearbyRejected,
    NearOtherCategoryPairs,
    PairSampler,
    SameCategoryFarPairs,
    TransitionPairs,
    UniformRejected,
)
from lgsid.artefacts.held_out import held_out
from lgsid.datamodules.preference_data import PreferenceData
from lgsid.errors import LgsidError
from lgsid.testing import toy_city
from lgsid.typing import PreferenceBatch


class AnyPairs(PairSampler):
    """As another package might write it: any places that it is shown."""

    def fit(self, dataset):
        self.n = len(dataset.items)

    @property
    def n_anchors(self):
        return self.n

    def draw(self, n, n_rejected, rng):
        place = torch.from_numpy(rng.permuted(np.tile(np.arange(self.n), (n, 1)), axis=1))
        return PreferenceBatch(place[:, 0], place[:, 1], place[:, 2 : 2 + n_rejected])


@pytest.fixture(scope="module")
def dataset():
    return toy_city(n_items=150, n_users=20, n_checkins=2000)


SAMPLERS = [
    AnyPairs(),
    FarPairs(),
    SameCategoryFarPairs(min_places=4),
    NearOtherCategoryPairs(min_places=4),
    CollaborativePairs(quantile=0.0, min_count=1),
    CollaborativePairs(quantile=0.0, min_count=1, rejected=UniformRejected()),
    TransitionPairs(),
    TransitionPairs(rejected=NearbyRejected(30)),
]


def drawn(data):
    data.setup("fit")
    batches = list(data.train_dataloader())
    return [
        torch.cat([getattr(b, role).flatten() for b in batches]).numpy() for role in ("anchor", "chosen", "rejected")
    ]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_no_place_held_out_is_in_a_pair(sampler, dataset):
    data = PreferenceData(dataset, samplers=[sampler], n_pairs=3000, held_out_share=0.3, held_out_seed=4)
    roles = drawn(data)
    out = held_out(dataset.items.ids, 0.3, 4)
    assert 20 < out.sum() < 80
    np.testing.assert_array_equal(data.is_held_out, out)
    for rows in roles:
        assert not out[rows].any()
    assert len(data.texts) == len(data.places.item) == 150  # judged on all of them
    everything = np.unique(np.concatenate(drawn(PreferenceData(dataset, samplers=[sampler], n_pairs=3000))))
    assert out[everything].any()


def test_rows_are_those_of_the_whole_table(dataset):
    """What a sampler learned of the places left is said of the same places in the whole table."""
    data = PreferenceData(dataset, samplers=[CollaborativePairs(quantile=0.0, min_count=1)], held_out_share=0.3)
    anchor, chosen, _ = drawn(data)
    whole = CollaborativePairs(quantile=0.0, min_count=1, max_steps=10**6)  # those between may be held out
    whole.fit(dataset)
    assert whole.is_positive(anchor, chosen).all()
    kinds = dataset.items.texts("category")
    data = PreferenceData(dataset, samplers=[SameCategoryFarPairs(min_places=4)], held_out_share=0.3)
    anchor, chosen, _ = drawn(data)
    assert (kinds[anchor] == kinds[chosen]).all()


def test_check_ins_at_places_held_out_do_not_matter(dataset):
    """The pairs are the same if nobody had ever been there."""
    rows = np.flatnonzero(~held_out(dataset.items.ids, 0.3))
    for sampler in (TransitionPairs(), CollaborativePairs(quantile=0.0, min_count=1)):
        seen = drawn(PreferenceData(dataset, samplers=[sampler], held_out_share=0.3))
        alone = drawn(PreferenceData(dataset.take(rows), samplers=[sampler]))
        for left, right in zip(seen, alone, strict=True):
            np.testing.assert_array_equal(left, rows[right])


def test_positives_are_those_of_every_sampler_and_the_anchor_itself(dataset):
    samplers = [TransitionPairs(), SameCategoryFarPairs(min_places=4)]
    data = PreferenceData(dataset, samplers=samplers, n_pairs=64, batch_size=64, held_out_share=0.3)
    data.setup("fit")
    (batch,) = data.train_dataloader()
    back = np.full(150, -1)
    back[np.flatnonzero(~data.is_held_out)] = np.arange((~data.is_held_out).sum())
    anchor, chosen = back[batch.anchor.numpy()], back[batch.chosen.numpy()]
    for i in range(64):
        for j in range(64):
            known = any(bool(s.is_positive(anchor[i : i + 1], chosen[j : j + 1])[0]) for s in samplers)
            expected = known or chosen[i] == chosen[j] or anchor[i] == chosen[j]
            assert bool(batch.positive[i, j]) == expected
    assert batch.positive.diagonal().all()
    assert not batch.positive.all()


def test_a_share_out_of_range_is_one_clear_line(dataset):
    with pytest.raises(LgsidError, match="share of items held out: must be at least 0 and below 1, not 1"):
        PreferenceData(dataset, held_out_share=1.0).setup("fit")
