"""The contract of a tokenizer: fitted through Lightning, it turns items into semantic IDs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.optim import Optimizer

from lgsid import __version__
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.files import write_json
from lgsid.artefacts.items import Items
from lgsid.artefacts.names import CARD_FILE, INDEX_FILE, SIDS_FILE
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.construction import is_plain
from lgsid.errors import LgsidError
from lgsid.functional.sids import collision_rate, distinct_share, largest_bucket
from lgsid.metrics.card import quality_card
from lgsid.module import LgsidModule
from lgsid.processes import share_state
from lgsid.tokenizers.collision_strategy import CodeDistances, CollisionStrategy
from lgsid.tokenizers.nearest_free_code import NearestFreeCode
from lgsid.tokenizers.visits import Visits
from lgsid.typing import DataShape, ItemBatch

VOCABULARIES = "vocabularies"  # key of a checkpoint
TINY = 1e-12


class Tokenizer(LgsidModule):
    """Turn items into semantic IDs.

    A subclass says how many codes each level has, how to `encode` items, how far an item is from the codes it did
    not get, and how to fit. Fitting without a gradient goes into `fit_codebooks`, which sees all items before the
    first training step; what is left to learn by gradient goes into `training_step`. A tokenizer without
    parameters is fitted through Lightning all the same, with no optimizer.

    Args:
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        optimizer: Optimizer for the parameters, if there are any.
    """

    fitted: Tensor

    reads = ItemBatch
    same_chance = True

    def __init__(
        self,
        collisions: CollisionStrategy | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        super().__init__(optimizer)
        self.collisions = collisions or NearestFreeCode()
        self.vocabularies: Vocabularies | None = None
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    @property
    @abstractmethod
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level, before the collision strategy."""

    @abstractmethod
    def encode(self, items: ItemBatch) -> Tensor:
        """Return the codes `(B, L)` of items, before the collision strategy."""

    @abstractmethod
    def distances(self, items: ItemBatch, codes: Tensor, level: int) -> Tensor:
        """Return how far items are from every code of `level`, given `codes: (B, L)` of earlier levels, (B, K)."""

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Fit what needs no gradient, from all items in the order of their ids."""

    def count_check_ins(self, items: ItemBatch, visits: Visits) -> None:
        """Take what training check-ins tell of the items to fit on, before `fit_codebooks`; most tokenizers do not ask.

        Args:
            items: The items to fit on, in the order of their ids.
            visits: Training check-ins at these items.
        """

    def squared_errors(self, items: ItemBatch, codes: Tensor) -> tuple[float, float] | None:
        """Return the squares that `codes: (B, L)` lose of the vectors, and those of the vectors; none if not rebuilt.

        Both add up over batches.
        """
        return None

    def reconstruction_error(self, items: ItemBatch, codes: Tensor) -> float | None:
        """Return the share of the vectors' variance that `codes: (B, L)` lose; none where nothing is rebuilt."""
        found = self.squared_errors(items, codes)
        return None if found is None else found[0] / max(found[1], TINY)

    def tokenize(
        self, items: ItemBatch | Items | Dataset, embeddings: Embeddings | npt.NDArray[np.float32] | None = None
    ) -> SemanticIDs:
        """Return the semantic IDs of items under their item ids; permuting the items permutes them.

        The items need not be those that the tokenizer was fitted on. Attribute values that it has not seen count as
        unknown.

        Args:
            items: All N items that must get different semantic IDs; a batch may be on any device. Item ids settle
                ties.
            embeddings: Vectors of the items, by item id, or shape (N, D) in the order of the items. Not needed with
                a batch, which has its own, or by a tokenizer that uses none.

        Raises:
            LgsidError: if an item has no vector, or the vectors do not fit the tokenizer.
        """
        given = items if isinstance(items, ItemBatch) else self.batch_of(items, embeddings)
        order = np.argsort(given.item_id.astype(str), kind="stable")
        in_order = bool((order[1:] > order[:-1]).all())
        batch = (given if in_order else given.take(torch.from_numpy(order))).to(self.device)
        with torch.no_grad():
            raw = self.encode(batch).cpu()
            resolved = self.collisions.resolve(raw.numpy(), self.codebook_sizes, self.code_distances(batch))
            final = torch.from_numpy(resolved.codes)
            metadata = {**self.about(), **self._compare(batch, raw, final)}
        if isinstance(items, Dataset):
            metadata["data_hash"] = items.data_hash
        written, sizes = resolved.written
        codes = np.empty_like(written)
        codes[order] = written
        return SemanticIDs(given.item_id, codes, sizes, metadata)

    def batch_of(self, items: Items | Dataset, embeddings: Embeddings | npt.NDArray[np.float32] | None) -> ItemBatch:
        """Return items as one batch, with the attribute codes that the tokenizer was fitted with.

        Raises:
            LgsidError: if the tokenizer needs vectors and there are none, or an item has none.
        """
        table = items.items if isinstance(items, Dataset) else items
        vectors = embeddings.for_items(table) if isinstance(embeddings, Embeddings) else embeddings
        if vectors is None and self.data_shape is not None and self.data_shape.embedding_dim:
            raise LgsidError(f"{type(self).__name__}: needs the vectors of the items; give `embeddings`")
        return (self.vocabularies or Vocabularies.of(table)).batch(table, vectors)

    def code_distances(self, batch: ItemBatch) -> CodeDistances:
        """Return the distances of `batch`, on the device of the tokenizer, as a collision strategy asks for them."""

        def distances(rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], level: int) -> npt.NDArray[np.float64]:
            chosen = batch.take(torch.from_numpy(rows).to(self.device))
            found = self.distances(chosen, torch.from_numpy(codes).to(self.device), level)
            return np.asarray(found.double().cpu().numpy())

        return distances

    def about(self) -> dict[str, Any]:
        """Return what the metadata of semantic IDs say of their tokenizer, as plain values."""
        config = {key: value for key, value in dict(self.hparams).items() if is_plain(value) and key[0] != "_"}
        config.pop("optimizer", None)
        return {
            "tokenizer": f"{type(self).__module__}.{type(self).__name__}",
            "config": config,
            "collision_strategy": type(self.collisions).__name__,
            "lgsid_version": __version__,
        }

    def _compare(self, batch: ItemBatch, raw: Tensor, final: Tensor) -> dict[str, Any]:
        """Return what the card reports of the codes before the collision strategy."""
        kept = final[:, : raw.shape[1]]
        return {
            "before_resolution": {
                "collision_rate": collision_rate(raw),
                "distinct_share": distinct_share(raw),
                "largest_bucket": largest_bucket(raw),
                "reconstruction_error": self.reconstruction_error(batch, raw.to(self.device)),
            },
            "changed_by_resolution": [
                float((raw[:, level] != kept[:, level]).double().mean()) for level in range(raw.shape[1])
            ],
            "reconstruction_error": self.reconstruction_error(batch, kept.to(self.device)),
        }

    def on_fit_start(self) -> None:
        """Fit the codebooks from the datamodule's items, unless a checkpoint brought fitted ones."""
        items, data = self._items(), self.trainer.datamodule  # type: ignore[attr-defined]
        self.vocabularies = data.vocabularies
        self.collisions.check(len(data.items_by_id), self.codebook_sizes)
        self.count_check_ins(items, Visits.of(data.dataset, items))
        if not bool(self.fitted):
            with torch.no_grad():
                self.fit_codebooks(items)
            self.fitted.fill_(True)
        share_state(self)

    def _items(self) -> ItemBatch:
        """Return the items to fit on, in the order of their ids, on the device of the module."""
        batch: ItemBatch = self.trainer.datamodule.fitted_by_id  # type: ignore[attr-defined]
        return batch.to(self.device)

    def training_step(self, batch: ItemBatch, batch_idx: int) -> Tensor | None:
        """Learn nothing by gradient; subclasses with parameters return a loss."""
        return None

    def validation_step(self, batch: ItemBatch, batch_idx: int) -> None:
        """Log the collisions before resolution and the reconstruction error, of all items as one batch."""
        self._log_codes(batch, "val")

    def test_step(self, batch: ItemBatch, batch_idx: int) -> None:
        """Log the same as in validation."""
        self._log_codes(batch, "test")

    def predict_step(self, batch: ItemBatch, batch_idx: int) -> Tensor:
        """Return the codes `(B, L)` before the collision strategy."""
        return self.encode(batch)

    def export_predictions(self, folder: Path, predictions: Sequence[Any]) -> Path:
        """Write the semantic IDs of the datamodule's items, after the collision strategy, as `export` does."""
        self.export(folder)
        return Path(folder) / SIDS_FILE

    def _log_codes(self, batch: ItemBatch, stage: str) -> None:
        codes = self.encode(batch)
        values = {"collision_rate": collision_rate(codes), "distinct_share": distinct_share(codes)}
        error = self.reconstruction_error(batch, codes)
        if error is not None:
            values["reconstruction_error"] = error
        self.log_dict({f"{stage}/{name}": value for name, value in values.items()}, batch_size=len(batch))

    def configure_optimizers(self) -> Optimizer | None:  # type: ignore[override]
        """Return the optimizer, or none where there is nothing to learn by gradient."""
        learns = self.automatic_optimization and any(p.requires_grad for p in self.parameters())
        return super().configure_optimizers() if learns else None

    def export(self, folder: Path) -> None:
        """Write `sids.parquet`, `sids.index.json` and `card.json` for the items of the datamodule."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        write_semantic_ids(self, data.dataset, data.items_by_id, folder)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the vocabularies."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[VOCABULARIES] = None if self.vocabularies is None else self.vocabularies.to_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the vocabularies back, and build the layers."""
        kept = checkpoint.get(VOCABULARIES)
        self.vocabularies = None if kept is None else Vocabularies.from_dict(kept)
        super().on_load_checkpoint(checkpoint)

    def require_embeddings(self, shape: DataShape) -> None:
        """Raise an LgsidError if the data carry no vectors."""
        if shape.embedding_dim == 0:
            raise LgsidError(
                f"{type(self).__name__} needs vectors: give --data.embeddings FILE, such as align/embeddings.parquet"
            )


def write_semantic_ids(tokenizer: Tokenizer, dataset: Dataset, batch: ItemBatch, folder: Path) -> SemanticIDs:
    """Tokenize the items of `dataset` and write the semantic IDs, as two kinds of file, and their card to `folder`.

    Args:
        tokenizer: A fitted tokenizer.
        dataset: The items, which need not be those it was fitted on.
        batch: The same items for the tokenizer, in any order.
        folder: Where to write; made if it does not exist.
    """
    found = tokenizer.tokenize(batch)
    metadata = {**found.metadata, "data_hash": dataset.data_hash}
    sids = SemanticIDs(dataset.items.ids, found.for_items(dataset.items), found.codebook_sizes, metadata)
    sids.write(folder / SIDS_FILE)
    sids.write_index_json(folder / INDEX_FILE)
    vectors = batch.embedding_by_row().numpy() if batch.embedding.shape[1] else None
    write_json(folder / CARD_FILE, quality_card(sids, dataset.items, vectors, log=CheckInLog.of(dataset)))
    return sids
