"""Two stages: one model proposes places, another ranks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Optimizer

from lgsid.errors import LgsidError
from lgsid.functional.ranking import top_k
from lgsid.recommenders.candidate_scorer import CandidateScorer
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.click.discriminative_recommender import CELLS
from lgsid.recommenders.composed_recommender import ComposedRecommender, fitted
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.typing import SequenceBatch


class TwoStage(ComposedRecommender):
    """Rank the places that a generator proposes by the scores of a ranking model; there is nothing left to train.

    A ranking model that learned from negatives as popular and as often visited as positives does not know how likely a
    place is to begin with, but the generator does: `generator_weight` adds its score, a log-probability, so that the
    logit of the ranking model corrects it. Equal scores keep the generator's order, and a filter is the generator's:
    what it does not propose never comes back. The target of a query is found only where it is proposed, so that the
    generator's hit@`n_candidates` bounds that of the list. Both must have been trained on the same data, and on the
    same semantic IDs if both read any.

    Args:
        generator: Proposes: a fitted recommender, its checkpoint, or its run folder.
        ranker: Scores candidates: a fitted click model, its checkpoint, or its run folder.
        n_candidates: Places proposed for a query; where a longer list is asked for, as many as that.
        ranker_history: Check-ins that the ranking model reads, the most recent ones: as many as in its training.
        generator_weight: Weight of the generator's score in that of the list; 0 ranks by the ranking model alone.
    """

    def __init__(
        self,
        generator: Recommender | str | Path | None = None,
        ranker: Recommender | str | Path | None = None,
        n_candidates: int = 50,
        ranker_history: int = 50,
        generator_weight: float = 0.0,
    ) -> None:
        super().__init__(torch.optim.SGD)
        self.save_hyperparameters()
        self.automatic_optimization = False
        for name, given in (("generator", generator), ("ranker", ranker)):
            if given is None:
                raise LgsidError(f"TwoStage: {name} is missing; give the model.ckpt of a fitted model")
        for name, number in (("n_candidates", n_candidates), ("ranker_history", ranker_history)):
            if number < 1:
                raise LgsidError(f"TwoStage: {name} must be at least 1, not {number}")
        self.generator: Recommender = fitted(generator, Recommender)  # type: ignore[arg-type, type-abstract]
        self.ranker: Recommender = fitted(ranker, Recommender)  # type: ignore[arg-type, type-abstract]
        for part, given in ((self.generator, generator), (self.ranker, ranker)):
            if part is not given:  # of a file: nothing is trained here, so that a test needs no other checkpoint
                part.requires_grad_(False)
        if not isinstance(self.ranker, CandidateScorer):
            raise LgsidError(
                f"TwoStage: {type(self.ranker).__name__} does not score given places; rank with a click model"
            )
        self.n_candidates = self.k_max = n_candidates
        self.ranker_history = ranker_history
        self.generator_weight = generator_weight
        self.check_pair()
        if self.generator.data_shape is not None and all(part.trained_on for part in self.parts.values()):
            self.trained_on = self.generator.trained_on
            self.ensure_built(self.generator.data_shape)

    @property
    def parts(self) -> Mapping[str, Recommender]:
        """The generator and the ranking model."""
        return {"generator": self.generator, "ranker": self.ranker}

    @property
    def title(self) -> str:
        """Which model ranks the places of which."""
        return f"{self.generator.title} ranked by {self.ranker.title}"

    def take_catalogue(self, source: CheckInSource) -> None:
        """Compare the data of the parts with those given now, and with each other's."""
        super().take_catalogue(source)
        self.check_pair()

    def check_pair(self) -> None:
        """Compare what the two models were trained on, as far as both are fitted.

        Raises:
            LgsidError: if these are other places, other check-ins or other semantic IDs.
        """
        first, second = self.generator.trained_on, self.ranker.trained_on
        if first is None or second is None:
            return
        known = bool(first.data_hash and second.data_hash)
        if first.items_hash != second.items_hash or (known and first.data_hash != second.data_hash):
            raise LgsidError(
                f"TwoStage: {self.generator.title} and {self.ranker.title} were trained on different datasets"
                f" ({first.n_items} and {second.n_items} places); fit both on one"
            )
        codes = [part.catalogue.codes for part in self.parts.values()]
        if all(one.shape[1] for one in codes) and not torch.equal(*(one.cpu() for one in codes)):
            raise LgsidError(
                f"TwoStage: {self.generator.title} and {self.ranker.title} were trained on different semantic IDs;"
                " give both the same sids.parquet"
            )

    def configure_optimizers(self) -> Optimizer | None:  # type: ignore[override]
        """Return nothing: both stages are trained."""
        return None

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Do nothing: both stages are trained."""

    @torch.no_grad()
    def rank(self, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k best of the proposed items by the score of the ranking model, equal scores as proposed."""
        training = self.training
        self.eval()
        first = self.generator.rank(batch, max(k, self.n_candidates), allowed)
        proposed = first.items  # (B, C)
        seen = batch.recent(self.ranker_history)
        ranker = self.ranker
        assert isinstance(ranker, CandidateScorer)
        size = max(1, CELLS // max(1, seen.history.shape[1] * proposed.shape[1]))
        rows = torch.split(torch.arange(len(batch), device=proposed.device), size)
        candidates = proposed.clamp_min(0)
        parts = [ranker.candidate_scores(seen.take(some), candidates[some]) for some in rows]
        total = torch.cat(parts).float() + self.generator_weight * first.scores.nan_to_num(neginf=0.0)
        place, scores = top_k(total.masked_fill(proposed < 0, -torch.inf), k)
        self.train(training)
        items = proposed.gather(1, place.clamp_min(0)).masked_fill(place < 0, -1)
        return Ranked(items, scores)
