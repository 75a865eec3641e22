"""Contract tests of recommenders, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import torch

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.functional.ranking import UNRANKED
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.recommender import Recommender
from lgsid.typing import SequenceBatch


class RecommenderContract(ABC):
    """Contract tests of a recommender; an untrained model must pass them as well.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    n_queries = 12

    @abstractmethod
    def make(self) -> tuple[Recommender, CheckInSource]:
        """Return a recommender that is built for the data, and the data, after `setup`."""

    def queries(self, log: CheckInLog) -> SequenceBatch:
        """Return test queries."""
        rows = (log.split == "test").nonzero()[0][: self.n_queries]
        return sequence_batch(log, rows, 50)

    def test_lists_hold_existing_items_once_best_first(self) -> None:
        """Rows are items or -1 behind all of them, none twice; scores do not rise."""
        model, data = self.make()
        batch, n = self.queries(data.log), len(data.dataset.items)
        for k in (1, 5, n + 3):
            ranked = model.rank(batch, k)
            assert ranked.items.shape == ranked.scores.shape == (len(batch), k)
            assert ranked.items.dtype == torch.int64
            for row, scores in zip(ranked.items.tolist(), ranked.scores, strict=True):
                real = [item for item in row if item >= 0]
                assert row == real + [-1] * (k - len(real))
                assert len(set(real)) == len(real)
                assert all(item < n for item in real)
                assert bool((scores[: len(real)][:-1] >= scores[: len(real)][1:]).all())
                assert bool((scores[len(real) :] == -torch.inf).all())

    def test_only_allowed_items_come_back(self) -> None:
        """A mask for all or for each query is obeyed; where fewer items than k are allowed the rest is padding."""
        model, data = self.make()
        batch, n = self.queries(data.log), len(data.dataset.items)
        generator = torch.Generator().manual_seed(0)
        for allowed in (torch.arange(n) < 3, torch.rand(len(batch), n, generator=generator) < 0.2):
            items = model.rank(batch, 7, allowed).items
            masks = allowed.expand(len(batch), n)
            for row, mask in zip(items.tolist(), masks, strict=True):
                assert all(bool(mask[item]) for item in row if item >= 0)
                assert sum(item >= 0 for item in row) <= int(mask.sum())
        assert bool((model.rank(batch, 4, torch.zeros(n, dtype=torch.bool)).items == -1).all())

    def test_same_question_same_answer(self) -> None:
        """Ranking is deterministic, in training mode too."""
        model, data = self.make()
        batch = self.queries(data.log)
        first, again = model.train().rank(batch, 6), model.rank(batch, 6)
        assert torch.equal(first.items, again.items)
        assert torch.equal(first.scores, again.scores)

    def test_batch_size_does_not_matter(self) -> None:
        """A query alone gets the scores that it gets among others."""
        model, data = self.make()
        batch = self.queries(data.log)
        together = model.rank(batch, 5)
        for b in range(len(batch)):
            alone = model.rank(sequence_batch(data.log, batch.row[b : b + 1].numpy(), 50), 5)
            finite = together.scores[b].isfinite()
            assert torch.equal(finite, alone.scores[0].isfinite())
            assert torch.allclose(together.scores[b][finite], alone.scores[0][finite], atol=1e-3, rtol=1e-3)

    def test_the_answer_is_not_looked_up(self) -> None:
        """Hiding the target changes nothing."""
        model, data = self.make()
        batch = self.queries(data.log)
        blind = replace(batch, target=torch.full_like(batch.target, -1), is_new=~batch.is_new)
        assert torch.equal(model.rank(batch, 5).items, model.rank(blind, 5).items)

    def test_target_ranks_fit_the_lists(self) -> None:
        """A target that is listed above the rest has its place as rank; ties only make it worse."""
        model, data = self.make()
        batch = self.queries(data.log)
        rank, items = model.target_rank(batch), model.rank(batch, 5).items
        assert rank.shape == (len(batch),)
        for b in range(len(batch)):
            place = (items[b] == batch.target[b]).nonzero()
            if len(place):
                assert int(place[0]) + 1 <= int(rank[b]) < UNRANKED
            else:
                assert int(rank[b]) > int((items[b] >= 0).sum())
