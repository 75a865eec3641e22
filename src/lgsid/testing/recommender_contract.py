"""Contract tests of recommenders, to inherit in the tests of other packages."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import lightning as L
import torch

from lgsid import checkpoints
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.names import CHECKPOINT_FILE
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.ctr_data import CTRData
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.functional.ranking import UNRANKED
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.click.discriminative_recommender import DiscriminativeRecommender
from lgsid.recommenders.recommender import Recommender
from lgsid.recommenders.refreshable import Refreshable
from lgsid.recommenders.refreshed import refreshed
from lgsid.testing.few_steps import few_steps
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import toy_dataset_folder, toy_sids
from lgsid.typing import SequenceBatch

Model = TypeVar("Model", bound=Recommender)


class RecommenderContract(PartContract):
    """Contract tests of a recommender; an untrained model must pass them as well.

    Derive a class whose name starts with `Test`, and let `make` return `self.built(model, data)`.

    **Which base.** `ScoringRecommender` if the model scores every item: it needs `scores`, and has exact ranks.
    `CountingRecommender` if it only counts: it needs `score_visits`, and trains nothing. `GenerativeRecommender` if it
    writes semantic IDs: it needs `build_network`, `token_table` and `decode`, and has the contract
    `GenerativeRecommenderContract`. `ClickModel` takes an `InterestExtractor`, `NewPlaceRanker` takes `Evidence`: then
    the part is one of these. `Recommender` itself for anything else: it needs `rank`. All of `lgsid.recommenders`.

    **What it implements.** The constructor takes plain arguments and `optimizer`, and calls
    `super().__init__(optimizer)`, then `self.save_hyperparameters()`. `build(shape)` calls `super().build(shape)`,
    then creates the layers; `shape` is a `DataShape`: `n_items`, `n_users`, `n_categories`, `n_regions`,
    `codebook_sizes`, and so on. `training_step(batch, batch_idx)` returns a scalar loss. `take_catalogue(source)`, if
    it counts anything in `source.log` (a `CheckInLog`), calls `super().take_catalogue(source)` first. One that learns
    nothing of single places, users or attributes also derives from `Refreshable`, for `lgsid refresh`. `self.catalogue`
    has what is known of the N items as buffers: `lat_deg`, `lon_deg`, `count`, `category`, `brand`, `region`, `codes`,
    and `km(a, b)`.

    **What a batch holds.** A `SequenceBatch` has B queries. `history` (B, T) int64: rows of the places where the user
    has been, the oldest first, right-aligned, -1 is padding. `history_age_s` (B, T) float64: seconds from each to the
    query. `history_hour` (B, T) float32 and `history_weekday` (B, T) int64, 0 is Monday: local time of each. `user`
    (B,) int64, `hour` (B,) float32 and `weekday` (B,) int64: of the query. `target` (B,) int64: the place to predict,
    -1 where unknown. `is_new` (B,) bool: whether the user has never been there; neither of the two may be looked at in
    `rank`. `row` (B,): of the query in the log. `later` (B, F) or `None`: places of the user's training check-ins from
    the query on, which counts over the training split must leave out. A user may have no history: all of a row is -1.

    **What it returns.** `scores(batch)`: (B, N), higher is better, finite. `rank(batch, k, allowed)`: `Ranked(items,
    scores)`, (B, k) each, best first, -1 and minus infinity where fewer items are allowed.
    """

    base = Recommender

    n_queries = 12

    @abstractmethod
    def make(self) -> tuple[Recommender, CheckInSource]:
        """Return a recommender that is built for the data, and the data, after `setup`: `self.built(model, data)`."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Make it with default arguments, for a toy city, with semantic IDs if it needs them."""
        torch.manual_seed(0)
        model, folder = part(), toy_dataset_folder()
        kind = CTRData if isinstance(model, DiscriminativeRecommender) else SequenceData
        return cls.built(model, kind(folder, toy_sids() if model.needs_sids else None))

    @staticmethod
    def built(model: Model, data: SequenceData) -> tuple[Model, SequenceData]:
        """Do to a model and its data what a training does before its first step.

        Args:
            model: A new recommender.
            data: A new data module.
        """
        data.setup("fit")
        model.ensure_built(data.shape)
        model.take_catalogue(data)
        model.eval()
        return model, data

    def part(self) -> Recommender:
        """Return the recommender."""
        return self.make()[0]

    def queries(self, log: CheckInLog) -> SequenceBatch:
        """Return test queries."""
        rows = (log.split == "test").nonzero()[0][: self.n_queries]
        return sequence_batch(log, rows, 50)

    def test_refreshed_for_its_own_data_it_ranks_as_before(self) -> None:
        """A `Refreshable` recommender counts again what it had counted, and keeps all that it had learned."""
        model, data = self.make()
        shape = model.data_shape
        if not isinstance(model, Refreshable) or shape is None or not (shape.codebook_sizes or model.full_ranks):
            return
        assert isinstance(data, SequenceData)
        again, batch = refreshed(model, data.dataset, data).model, self.queries(data.log)
        ranked, ranked_again = (one.rank(batch, 10) for one in (model, again))
        assert torch.equal(ranked.items, ranked_again.items)
        assert torch.equal(ranked.scores, ranked_again.scores)

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

    def test_someone_without_a_past_gets_a_list(self) -> None:
        """A history of padding only, as that of a new user, has finite scores."""
        model, data = self.make()
        batch = self.queries(data.log)
        nobody = replace(batch, history=torch.full_like(batch.history, -1))
        ranked = model.rank(nobody, 3)
        assert bool((ranked.items >= 0).all())
        assert bool(ranked.scores.isfinite().all())

    def test_a_checkpoint_brings_it_back(self) -> None:
        """`lgsid.load` makes one of a file that is read with `weights_only`; it gives the same lists."""
        model, data = self.make()
        batch = self.queries(data.log)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / CHECKPOINT_FILE
            checkpoints.save(model, path)
            again = checkpoints.load(path, Recommender)  # type: ignore[type-abstract]
        assert type(again) is type(model)
        found, expected = again.rank(batch, 5), model.rank(batch, 5)
        assert torch.equal(found.items, expected.items)
        assert torch.equal(found.scores, expected.scores)

    def test_a_few_steps_of_training_leave_it_sound(self) -> None:
        """Where it has weights to learn and its data are a data module: the weights move, and stay finite."""
        model, data = self.make()
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        if not weights or not isinstance(data, L.LightningDataModule):
            return
        before = [weight.detach().clone() for weight in weights]
        few_steps(model, data, 2)
        assert all(bool(weight.isfinite().all()) for weight in weights)
        assert any(not torch.equal(weight, old) for weight, old in zip(weights, before, strict=True))
