"""What every recommender of places is: a Lightning module that ranks items for queries."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.names import PER_QUERY_FILE
from lgsid.errors import LgsidError
from lgsid.functional.ranking import list_rank
from lgsid.metrics.ranking import RankingMetrics
from lgsid.module import LgsidModule
from lgsid.recommenders.item_slices import item_slices
from lgsid.recommenders.training_data import TrainingData
from lgsid.typing import Batch, DataShape, SequenceBatch

TRAINED_ON = "trained_on"  # key of a checkpoint


@dataclass(frozen=True)
class Ranked(Batch):
    """Recommended items, best first."""

    items: Tensor  # (B, k) int64 item rows, -1 is padding
    scores: Tensor  # (B, k) float32, minus infinity at padding


@runtime_checkable
class CheckInSource(Protocol):
    """What a recommender may ask of its datamodule."""

    dataset: Dataset
    log: CheckInLog
    codes: npt.NDArray[np.int64] | None  # (N, L)


class Recommender(LgsidModule):
    """Rank places for queries; evaluate at the level of items.

    Buffers that travel in the checkpoint: `item_lat_deg`, `item_lon_deg` (N,) float64, `item_count` (N,) int64
    (training check-ins), and `codes` (N, L) int64 where the datamodule carries semantic IDs (L is 0 otherwise).
    A subclass implements `rank` and its own `training_step`; `build` must call `super().build(shape)`.

    Args:
        optimizer: Makes the optimizer from the parameters.
    """

    k_max: int = 100
    """Length of the lists that evaluation asks for."""
    full_ranks: bool = False
    """Whether `target_rank` is exact beyond the first `k_max`."""

    item_lat_deg: Tensor
    item_lon_deg: Tensor
    item_count: Tensor
    codes: Tensor

    def __init__(self, optimizer: OptimizerCallable) -> None:
        super().__init__(optimizer)
        self.ranking: dict[str, RankingMetrics] = {}
        self.per_query: dict[str, npt.NDArray[Any]] = {}
        self.trained_on: TrainingData | None = None
        self._loaded = False

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
        """Create the buffers that describe the catalogue; `setup` or a checkpoint fills them."""
        n = shape.n_items
        self.register_buffer("item_lat_deg", torch.zeros(n, dtype=torch.float64))
        self.register_buffer("item_lon_deg", torch.zeros(n, dtype=torch.float64))
        self.register_buffer("item_count", torch.zeros(n, dtype=torch.int64))
        self.register_buffer("codes", torch.zeros(n, len(shape.codebook_sizes), dtype=torch.int64))

    def setup(self, stage: str) -> None:
        """Build, and take the catalogue from the datamodule unless a checkpoint brought it."""
        super().setup(stage)
        datamodule = getattr(self.trainer, "datamodule", None)
        if isinstance(datamodule, CheckInSource):
            if not self._loaded:
                self.take_catalogue(datamodule)
            self.ranking = {name: self.make_metrics(datamodule) for name in ("val", "test", "test/explore")}

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the buffers that describe the catalogue from a datamodule; part of training."""
        items, log = source.dataset.items, source.log
        self.trained_on = TrainingData.of(source.dataset)
        self.item_lat_deg.copy_(torch.from_numpy(items.lat_deg.copy()))
        self.item_lon_deg.copy_(torch.from_numpy(items.lon_deg.copy()))
        self.item_count.copy_(torch.from_numpy(log.item_counts(len(items), "train")))
        if source.codes is not None:
            self.codes.copy_(torch.from_numpy(source.codes))

    def make_metrics(self, source: CheckInSource) -> RankingMetrics:
        """Return fresh metrics over the items of a datamodule."""
        items = source.dataset.items
        masks = item_slices(items, source.log.item_counts(len(items), "train"))
        slices = {names: torch.from_numpy(mask) for names, mask in masks.items()}
        lat, lon = torch.from_numpy(items.lat_deg.copy()), torch.from_numpy(items.lon_deg.copy())
        return RankingMetrics(lat, lon, item_slices=slices, full_ranks=self.full_ranks).to(self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep which data it was trained on."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[TRAINED_ON] = None if self.trained_on is None else asdict(self.trained_on)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build for the sizes of the checkpoint.

        Raises:
            LgsidError: if the module is already built for data of another size.
        """
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
        source = getattr(self.trainer, "datamodule", None)
        if not isinstance(source, CheckInSource):
            return
        if self.trained_on is not None:
            self.trained_on.check_items(source.dataset.items)
        if source.codes is not None and not torch.equal(torch.from_numpy(source.codes).to(self.device), self.codes):
            raise LgsidError("checkpoint: it was trained on other semantic IDs than those given now")

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        if "val" in self.ranking:
            self.check_catalogue()
            self.ranking["val"] = self.ranking["val"].to(self.device)
            self.ranking["val"].reset()

    def validation_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Count the ranks of the targets."""
        ranked, rank = self.evaluate(batch)
        self.ranking["val"].update(rank, batch.target, batch.is_new, ranked.items, batch.history[:, -1])

    def on_validation_epoch_end(self) -> None:
        """Log `val/hit@1` and the rest."""
        self.log_dict({f"val/{name}": value for name, value in self.ranking["val"].compute().items()})

    def on_test_epoch_start(self) -> None:
        """Start counting anew."""
        self.check_catalogue()
        for name in ("test", "test/explore"):
            self.ranking[name] = self.ranking[name].to(self.device)
            self.ranking[name].reset()
        self._queries: list[tuple[Tensor, ...]] = []

    def test_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Count the ranks of the targets; those new to the user also among the places new to the user."""
        ranked, rank = self.evaluate(batch)
        self.ranking["test"].update(rank, batch.target, batch.is_new, ranked.items, batch.history[:, -1])
        explored = torch.full_like(rank, -1)
        source = getattr(self.trainer, "datamodule", None)
        if isinstance(source, CheckInSource) and bool(batch.is_new.any()):
            new = take(batch, batch.is_new)
            seen = source.log.visited(new.row.cpu().numpy(), len(self.item_lat_deg))
            among, new_rank = self.evaluate(new, ~torch.from_numpy(seen).to(self.device))
            self.ranking["test/explore"].update(new_rank, new.target, new.is_new, among.items, new.history[:, -1])
            explored[batch.is_new] = new_rank
        self._queries.append((batch.row, batch.user, rank, batch.is_new, explored))

    def on_test_epoch_end(self) -> None:
        """Log `test/hit@1` and the rest, and `test/explore/...`: new places ranked among places new to the user."""
        for name in ("test", "test/explore"):
            results = self.ranking[name].compute()
            if name == "test/explore":
                results = {key: value for key, value in results.items() if not key.startswith(("new/", "revisit/"))}
            self.log_dict({f"{name}/{key}": value for key, value in results.items()})
        columns = [torch.cat(parts).cpu().numpy() for parts in zip(*self._queries, strict=True)]
        self.per_query = dict(zip(("row", "user", "rank", "is_new", "explore_rank"), columns, strict=True))
        self._queries = []

    def export(self, folder: Path) -> None:
        """Write `per_query.parquet` after a test: log row, user, rank, is_new, explore_rank (-1 at revisits)."""
        if self.per_query:
            with atomic_path(Path(folder) / PER_QUERY_FILE) as partial:
                pq.write_table(pa.table(self.per_query), partial)


def take(batch: SequenceBatch, which: Tensor) -> SequenceBatch:
    """Return the queries of a batch that a mask or index of shape (B,) picks."""
    return replace(batch, **{f.name: getattr(batch, f.name)[which] for f in fields(batch)})
