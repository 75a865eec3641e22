"""Contract tests of generative recommenders, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.functional.ranking import pessimistic_rank
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.generative.best_first_search import BestFirstSearch
from lgsid.recommenders.generative.generative_recommender import GenerativeRecommender
from lgsid.testing.recommender_contract import RecommenderContract
from lgsid.typing import SequenceBatch


class GenerativeRecommenderContract(RecommenderContract):
    """Contract tests of a generative recommender, beside those of all recommenders; an untrained one passes as well.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    @abstractmethod
    def make(self) -> tuple[GenerativeRecommender, CheckInSource]:
        """Return a recommender that is built for the data, and the data, after `setup`."""

    @torch.no_grad()
    def log_probs_of_all_items(self, model: GenerativeRecommender, batch: SequenceBatch) -> Tensor:
        """Return the log-probability of every item by teacher forcing, one at a time, without a search. (B, N)."""
        model.eval()
        items = range(len(model.catalogue))
        return torch.stack([model.item_log_prob(batch, torch.full_like(batch.user, item)) for item in items], 1)

    def test_probabilities_of_all_items_sum_to_one(self) -> None:
        """Nothing is lost to semantic IDs that do not exist."""
        model, data = self.make()
        total = self.log_probs_of_all_items(model, self.queries(data.log)).exp().sum(1)
        assert torch.allclose(total, torch.ones_like(total), atol=1e-4)

    def test_scores_of_the_beam_search_are_log_probabilities_of_teacher_forcing(self) -> None:
        """A beam wider than the catalogue finds every item, each with its probability, and so its rank."""
        model, data = self.make()
        batch, n = self.queries(data.log), len(model.catalogue)
        model.beam_width = model.k_max = n
        log_probs = self.log_probs_of_all_items(model, batch)
        ranked = model.rank(batch, n)
        assert bool((ranked.items.sort(1).values == torch.arange(n)).all())
        assert torch.allclose(ranked.scores, log_probs.gather(1, ranked.items), atol=1e-4)
        assert torch.equal(model.target_rank(batch), pessimistic_rank(log_probs, batch.target))

    def test_best_first_search_finds_what_is_most_probable(self) -> None:
        """However few prefixes it follows at a time, the list is that of teacher forcing, filtered or not."""
        model, data = self.make()
        batch, n = self.queries(data.log), len(model.catalogue)
        model.beam_width, model.search = 2, BestFirstSearch()
        log_probs = self.log_probs_of_all_items(model, batch)
        some = torch.rand(len(batch), n, generator=torch.Generator().manual_seed(1)) < 0.3
        for allowed in (torch.ones_like(some), some):
            ranked = model.rank(batch, 8, allowed)
            expected = log_probs.masked_fill(~allowed, -torch.inf).topk(8).values
            assert torch.allclose(ranked.scores, expected, atol=1e-4)
            assert bool(allowed.gather(1, ranked.items.clamp_min(0))[ranked.items >= 0].all())

    def test_a_filter_keeps_the_order(self) -> None:
        """What is allowed keeps its scores: they are not normalized anew."""
        model, data = self.make()
        batch, n = self.queries(data.log), len(model.catalogue)
        model.beam_width = n
        allowed = torch.rand(len(batch), n, generator=torch.Generator().manual_seed(1)) < 0.4
        everything, some = model.rank(batch, n).items, model.rank(batch, n, allowed).items
        for row, mask, listed in zip(everything, allowed, some, strict=True):
            assert torch.equal(listed[listed >= 0], row[mask[row]])

    def test_every_parameter_gets_a_gradient(self) -> None:
        """The likelihood of the next place reaches every parameter."""
        model, data = self.make()
        batch = self.queries(data.log)
        (-model.train().item_log_prob(batch, batch.target).mean()).backward()  # type: ignore[no-untyped-call]
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.isfinite().all()), name
