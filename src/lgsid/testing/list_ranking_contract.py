"""Contract tests of how lists become a ranking of places, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np
import torch

from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.recommenders.generative.onerec.list_ranking import ListRanking
from lgsid.recommenders.generative.onerec.onerec import OneRec
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import toy_city
from lgsid.typing import SequenceBatch

T5 = {"d_model": 8, "d_kv": 4, "d_ff": 12, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
N_QUERIES = 6


class ListRankingContract(PartContract):
    """Contract tests of a ranking by the lists of a generator.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = ListRanking

    @abstractmethod
    def make(self) -> ListRanking:
        """Return a new ranking, with the same arguments every time."""

    def model(self) -> tuple[OneRec, SequenceBatch]:
        """Return a tiny generator of lists that has learned nothing, and queries; the first user has no past."""
        dataset = toy_city()
        row = np.arange(len(dataset.items))
        data = SequenceData(dataset, SemanticIDs(dataset.items.ids, np.stack([row % 4, row // 4], 1), (4, len(row))))
        data.setup()
        torch.manual_seed(0)
        model = OneRec(T5, 3, 1, list_length=3, recent_history=5, user_buckets=3, beam_width=8)
        model.ensure_built(data.shape)
        model.take_catalogue(data)
        batch = sequence_batch(data.log, data.queries("test")[:N_QUERIES], 20)
        batch = replace(batch, history=batch.history.clone())
        batch.history[0] = -1
        return model.eval(), batch

    @torch.no_grad()
    def test_rankings_hold_existing_items_once_best_first(self) -> None:
        """Rows are items or -1 behind all of them, none twice; scores do not rise, also for more than there are."""
        model, batch = self.model()
        n = len(model.catalogue)
        for k in (1, 5, n + 3):
            ranked = self.make().rank(model, batch, k)
            assert ranked.items.shape == ranked.scores.shape == (len(batch), k)
            assert ranked.items.dtype == torch.int64
            for row, scores in zip(ranked.items.tolist(), ranked.scores, strict=True):
                real = [item for item in row if item >= 0]
                assert row == real + [-1] * (k - len(real))
                assert len(real) >= min(k, 1)
                assert len(set(real)) == len(real)
                assert max(real) < n
                assert bool(scores[: len(real)].isfinite().all())
                assert bool((scores[: len(real)].diff() <= 0).all())
                assert bool((scores[len(real) :] == -torch.inf).all())

    @torch.no_grad()
    def test_only_allowed_items_come_back(self) -> None:
        """A mask for all or for each query is obeyed; where fewer items than k are allowed the rest is padding."""
        model, batch = self.model()
        n = len(model.catalogue)
        some = torch.rand(len(batch), n, generator=torch.Generator().manual_seed(0)) < 0.2
        for allowed in (torch.arange(n) < 3, some):
            masks = allowed.expand(len(batch), n)
            for row, mask in zip(self.make().rank(model, batch, 7, allowed).items.tolist(), masks, strict=True):
                assert all(bool(mask[item]) for item in row if item >= 0)
        nothing = torch.zeros(n, dtype=torch.bool)
        assert bool((self.make().rank(model, batch, 4, nothing).items == -1).all())

    @torch.no_grad()
    def test_a_query_alone_gets_the_ranking_that_it_gets_among_others(self) -> None:
        """And the same one again."""
        model, batch = self.model()
        together = self.make().rank(model, batch, 5)
        again = self.make().rank(model, batch, 5)
        assert torch.equal(together.items, again.items)
        assert torch.equal(together.scores, again.scores)
        for b in range(len(batch)):
            alone = self.make().rank(model, batch.take(torch.tensor([b])), 5)
            torch.testing.assert_close(alone.scores[0], together.scores[b], rtol=1e-3, atol=1e-3)

    @torch.no_grad()
    def test_the_answer_is_not_looked_up(self) -> None:
        """Hiding the target changes nothing."""
        model, batch = self.model()
        blind = replace(batch, target=torch.full_like(batch.target, -1), is_new=~batch.is_new)
        assert torch.equal(self.make().rank(model, blind, 5).items, self.make().rank(model, batch, 5).items)

    @torch.no_grad()
    def test_scores_are_log_probabilities_if_it_says_so(self) -> None:
        """Those of all items sum to one."""
        model, batch = self.model()
        ranking, n = self.make(), len(model.catalogue)
        if ranking.scores_are_log_probs:
            model.beam_width = n
            total = ranking.rank(model, batch, n).scores.exp().sum(1)
            torch.testing.assert_close(total, torch.ones_like(total), rtol=1e-3, atol=1e-3)
