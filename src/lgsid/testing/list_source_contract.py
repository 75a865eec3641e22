"""Contract tests of sources of lists for a reward model, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields

import numpy as np
import torch

from lgsid.artefacts import Dataset, Interactions
from lgsid.rewards.list_source import ListPlaces, ListSource
from lgsid.rewards.prompt_book import PromptBook
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import same_city
from lgsid.text.prompt_template import PromptTemplate
from lgsid.typing import RewardBatch

FIELDS = tuple(field.name for field in fields(RewardBatch))


class ListSourceContract(PartContract):
    """Contract tests of a source of lists: an anchor, K candidates and their labels.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = ListSource
    n_candidates = 6

    @abstractmethod
    def make(self) -> ListSource:
        """Return a new source."""

    def dataset(self) -> Dataset:
        """Return the data to make lists of."""
        return same_city(80, 20, 1500)

    def places(self, dataset: Dataset) -> ListPlaces:
        """Return three of four places, which lists may hold."""
        rows = np.flatnonzero(np.arange(len(dataset.items)) % 4 > 0)
        return ListPlaces(dataset, rows, PromptBook(PromptTemplate(), dataset.items), self.n_candidates)

    def drawn(self, dataset: Dataset, seed: int = 0) -> tuple[RewardBatch, ListPlaces]:
        """Return a list for each place that can be an anchor, and the places."""
        places, rng = self.places(dataset), np.random.default_rng(seed)
        sampler = self.make().sampler(places, rng)
        return sampler.draw(sampler.anchors, rng), places

    def test_lists_have_their_shapes(self) -> None:
        """Column 0 is the anchor; prompts exist; labels are not negative, and the anchor's own is above all others."""
        batch, places = self.drawn(self.dataset())
        b = len(batch)
        assert b > 0
        for name in ("candidate", "prompt", "label", "distance_km"):
            assert getattr(batch, name).shape == (b, self.n_candidates + 1), name
        assert batch.candidate.dtype == batch.prompt.dtype == torch.int64
        assert batch.label.dtype == batch.distance_km.dtype == torch.float32
        assert torch.equal(batch.candidate[:, 0], batch.anchor)
        assert bool(((batch.prompt >= 0) & (batch.prompt < len(places.book.texts))).all())
        assert bool((batch.label >= 0).all())
        assert bool((batch.label[:, :1] > batch.label[:, 1:]).all())
        assert bool((batch.distance_km[:, 0] == 0).all())

    def test_lists_hold_only_the_places_that_they_may(self) -> None:
        """The held-out places are in none, and no place is twice in a list."""
        batch, places = self.drawn(self.dataset())
        allowed = set(places.rows.tolist())
        for row in batch.candidate.tolist():
            assert set(row) <= allowed
            assert len(set(row)) == len(row)

    def test_candidates_stand_under_their_own_prompts_if_it_says_so(self) -> None:
        """With `has_full_prompts` the prompt of every candidate is that of its place."""
        batch, places = self.drawn(self.dataset())
        if self.make().has_full_prompts:
            assert np.array_equal(batch.prompt.numpy(), places.book.full[batch.candidate.numpy()])

    def test_the_generator_decides(self) -> None:
        """All randomness comes from it: the same gives the same lists, another one others."""
        dataset = self.dataset()
        first, again, other = (self.drawn(dataset, seed)[0] for seed in (0, 0, 1))
        assert all(torch.equal(getattr(first, name), getattr(again, name)) for name in FIELDS)
        assert not all(torch.equal(getattr(first, name), getattr(other, name)) for name in FIELDS)

    def test_only_the_training_split_is_used(self) -> None:
        """Without validation and test check-ins the lists are the same."""
        dataset = self.dataset()
        train = Interactions(dataset.interactions.of_split("train").reset_index(drop=True))
        first, blind = self.drawn(dataset)[0], self.drawn(Dataset(dataset.items, train, dataset.report))[0]
        assert all(torch.equal(getattr(first, name), getattr(blind, name)) for name in FIELDS)

    def test_one_anchor_and_anchors_that_repeat(self) -> None:
        """As many lists come as anchors were given."""
        places, rng = self.places(self.dataset()), np.random.default_rng(0)
        sampler = self.make().sampler(places, rng)
        for anchors in (sampler.anchors[:1], sampler.anchors[[0, 0, 1]]):
            assert torch.equal(sampler.draw(anchors, rng).anchor, torch.from_numpy(anchors))

    def test_its_name_in_results_is_plain(self) -> None:
        """`kind` becomes a part of a metric's name."""
        assert self.make().kind.replace("_", "").isalnum()
