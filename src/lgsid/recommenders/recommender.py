"""What every recommender of places is: a Lightning module that ranks items for queries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.artefacts.names import CANDIDATES_FILE, PREDICTIONS_FILE
from lgsid.errors import LgsidError
from lgsid.functional.ranking import list_rank
from lgsid.module import LgsidModule
from lgsid.recommenders.candidate_scorer import CandidateScorer
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evaluation import ClickEvaluation, ClickSamples, Evaluation, RankedQueries, RankingEvaluation
from lgsid.recommenders.predictions import click_columns, ranked_columns, write_predictions
from lgsid.recommenders.training_data import TrainingData
from lgsid.typing import Batch, CTRBatch, DataShape, SequenceBatch

TRAINED_ON = "trained_on"  # key of a checkpoint


@dataclass(frozen=True)
class Ranked(Batch):
    """Recommended items, best first."""

    items: Tensor  # (B, k) int64 item rows, -1 is padding
    scores: Tensor  # (B, k) float32, minus infinity at padding


class Recommender(LgsidModule):
    """Rank places for queries; validation and test hand what it returns to the evaluation that fits the batches.

    A subclass implements `rank` and its own `training_step`; `build` must call `super().build(shape)`, which creates
    the `catalogue` that travels in the checkpoint. Served queries, it is measured by `RankingEvaluation`; served
    click-through samples, by `ClickEvaluation`, if it is a `CandidateScorer`.

    Args:
        optimizer: Optimizer for the weights.
    """

    k_max: int = 100
    """Length of the lists that evaluation asks for."""
    full_ranks: bool = False
    """Whether `target_rank` is exact beyond the first `k_max`."""
    scores_are_log_probs: ClassVar[bool] = False
    """Whether the scores of `rank` are logarithms of probabilities over all items."""

    catalogue: Catalogue

    reads = SequenceBatch

    carries: ClassVar[str] = "of each place its position, attributes, semantic ID and number of training check-ins"

    def __init__(self, optimizer: OptimizerCallable) -> None:
        super().__init__(optimizer)
        self.evaluations: dict[str, Evaluation] = {}  # by stage, "val" and "test"
        self.trained_on: TrainingData | None = None
        self._loaded = False

    @property
    def title(self) -> str:
        """Name of the model for its users."""
        return type(self).__name__

    @abstractmethod
    def rank(self, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k best items of each query, best first; deterministic.

        Args:
            batch: B queries; `target` and `is_new` must not be looked at.
            k: How many items; where fewer are allowed the rest is padding.
            allowed: Shape (N,) or (B, N) bool, the items that may be returned. Without it all may.
        """

    def evaluate(self, batch: SequenceBatch, allowed: Tensor | None = None) -> tuple[Ranked, Tensor]:
        """Return the first `k_max` items and the rank of the target, both from one pass.

        A model that scores every item overrides this (see `ScoringRecommender`).

        Args:
            batch: B queries with known targets.
            allowed: Shape (N,) or (B, N) bool, the items that compete.

        Returns:
            The list, and shape (B,) int64: 1-based rank with ties broken against the model, or `UNRANKED`.
        """
        ranked = self.rank(batch, self.k_max, allowed)
        return ranked, list_rank(ranked.items, ranked.scores, batch.target)

    @torch.no_grad()
    def target_rank(self, batch: SequenceBatch) -> Tensor:
        """Return the 1-based item-level rank of each target, ties broken against the model, shape (B,) int64."""
        return self.evaluate(batch)[1]

    def build(self, shape: DataShape) -> None:
        """Create the empty catalogue; `setup` or a checkpoint fills it."""
        self.catalogue = Catalogue(shape)

    def setup(self, stage: str) -> None:
        """Build, and fill the catalogue from the datamodule unless a checkpoint brought it."""
        super().setup(stage)
        self.evaluations = {}
        # every process counts the same, so that a strategy need not send the tables in every step
        self._ddp_params_and_buffers_to_ignore = [name for name, _ in self.named_buffers()]
        if isinstance(self._datamodule, CheckInSource) and not self._loaded:
            self.take_catalogue(self._datamodule)

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the catalogue, and whatever else is counted and not learned, from a datamodule; part of training."""
        self.catalogue.fill(source)
        self.trained_on = TrainingData.of(source.dataset)

    @property
    def _datamodule(self) -> object:
        return getattr(self.trainer, "datamodule", None)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep which data it was trained on."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[TRAINED_ON] = None if self.trained_on is None else asdict(self.trained_on)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build for the sizes of the checkpoint.

        Raises:
            LgsidError: if the checkpoint is of an earlier version, or the module is built for data of another size.
        """
        if "item_lat_deg" in checkpoint.get("state_dict", {}):
            raise LgsidError("checkpoint: it was written by an earlier version of lgsid; train the model again")
        kept = checkpoint.get("data_shape")
        if kept is not None:
            shape = DataShape.from_dict(kept)
            if self.data_shape is not None and shape != self.data_shape:
                raise LgsidError(
                    f"checkpoint: it was trained on {shape.n_items} items, {shape.n_users} users, codebooks"
                    f" {list(shape.codebook_sizes)}; the data given now have {self.data_shape.n_items} items,"
                    f" {self.data_shape.n_users} users, codebooks {list(self.data_shape.codebook_sizes)}"
                )
        super().on_load_checkpoint(checkpoint)
        trained_on = checkpoint.get(TRAINED_ON)
        self.trained_on = None if trained_on is None else TrainingData.from_dict(trained_on)
        self._loaded = True

    def check_catalogue(self) -> None:
        """Compare the items of the checkpoint with those of the datamodule.

        Raises:
            LgsidError: if they differ, since rows would then mean other places.
        """
        source = self._datamodule
        if not isinstance(source, CheckInSource):
            return
        if self.trained_on is not None:
            self.trained_on.check_items(source.dataset.items)
        codes = source.codes
        if codes is not None and not torch.equal(torch.from_numpy(codes).to(self.device), self.catalogue.codes):
            raise LgsidError("checkpoint: it was trained on other semantic IDs than those given now")

    def _start(self, stage: str) -> None:
        self.check_catalogue()
        if stage in self.evaluations:
            self.evaluations[stage].reset()

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        self._start("val")

    def on_test_epoch_start(self) -> None:
        """Start counting anew."""
        self._start("test")

    def validation_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Evaluate rankings of all items, or scores of samples."""
        self._evaluate_clicks("val", batch) if isinstance(batch, CTRBatch) else self._evaluate_ranking("val", batch)

    def test_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Evaluate rankings of all items, of places new to the user also among those only, or scores of samples."""
        self._evaluate_clicks("test", batch) if isinstance(batch, CTRBatch) else self._evaluate_ranking("test", batch)

    def predict_step(self, batch: SequenceBatch, batch_idx: int) -> dict[str, Tensor]:
        """Return columns: the best items of each query, or the scores of the candidates of a click-through batch."""
        if isinstance(batch, CTRBatch) and isinstance(self, CandidateScorer):
            return click_columns(batch, self.candidate_scores(batch, batch.candidate))
        ranked = self.rank(batch, min(self.k_max, len(self.catalogue)))
        return ranked_columns(batch, ranked.items, ranked.scores)

    def export_predictions(self, folder: Path, predictions: Sequence[Any]) -> Path:
        """Write `predictions.parquet`: row, user_id, rank, item_id, score; for clicks a label in place of the rank."""
        path = Path(folder) / PREDICTIONS_FILE
        write_predictions(path, self.trainer.datamodule.dataset, predictions)  # type: ignore[attr-defined]
        return path

    def _evaluate_ranking(self, stage: str, batch: SequenceBatch) -> None:
        evaluation = self.evaluations.get(stage)
        if not isinstance(evaluation, RankingEvaluation):
            source = self._datamodule
            if not isinstance(source, CheckInSource):
                raise LgsidError(f"{type(self).__name__}: evaluation needs a datamodule such as SequenceData")
            evaluation = self.evaluations[stage] = RankingEvaluation(source, self.full_ranks).to(self.device)
        queries = RankedQueries.of(batch)
        ranked, rank = self.evaluate(batch)

        def rank_among(some: Tensor, competing: Tensor) -> tuple[Tensor, Tensor]:
            among, rank = self.evaluate(batch.take(some), competing)
            return among.items, rank

        evaluation.update(queries, ranked.items, rank, rank_among if stage == "test" else None)

    def _evaluate_clicks(self, stage: str, batch: CTRBatch) -> None:
        if not isinstance(self, CandidateScorer):
            raise LgsidError(f"{type(self).__name__}: it does not score given candidates; use data class SequenceData")
        evaluation = self.evaluations.get(stage)
        if not isinstance(evaluation, ClickEvaluation):
            evaluation = self.evaluations[stage] = ClickEvaluation(self.scores_are_logits).to(self.device)
        evaluation.update(ClickSamples.of(batch), self.candidate_scores(batch, batch.candidate))

    def on_validation_epoch_end(self) -> None:
        """Log `val/hit@1` and the rest."""
        self._log("val")

    def on_test_epoch_end(self) -> None:
        """Log `test/hit@1` and the rest, and bring the columns of all processes together."""
        self._log("test")
        if "test" in self.evaluations:
            self.evaluations["test"].gather()

    def _log(self, stage: str) -> None:
        results = self.evaluations[stage].compute() if stage in self.evaluations else {}
        self.log_dict({f"{stage}/{name}": value for name, value in results.items()})

    def export(self, folder: Path) -> None:
        """Write the file of the test's evaluation, and the negatives of a click-through task."""
        evaluation = self.evaluations.get("test")
        if evaluation is not None:
            evaluation.write(Path(folder) / evaluation.file_name)
        candidates = getattr(getattr(self._trainer, "datamodule", None), "candidates", None)
        if candidates is not None:
            candidates.write(Path(folder) / CANDIDATES_FILE)
