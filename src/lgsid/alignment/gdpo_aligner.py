"""Geography-aware preference alignment of a text encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lgsid.alignment.preference_losses import PreferenceLoss
from lgsid.artefacts import Dataset, Embeddings, Items
from lgsid.artefacts.names import EMBEDDINGS_FILE, REFERENCE_EMBEDDINGS_FILE
from lgsid.errors import LgsidError
from lgsid.functional.neighborhood_bounds import agreement_bound_at_k
from lgsid.functional.preference import contrastive_similarity_loss
from lgsid.metrics import NeighborhoodMetrics
from lgsid.module import LgsidModule
from lgsid.text import PromptTemplate, TextEncoder
from lgsid.typing import DataShape, PreferenceBatch

logger = logging.getLogger(__name__)
LENGTH_BUCKET = 32  # prompts encoded at once in training; sorted by length, less of a batch is padding


class GDPOAligner(LgsidModule):
    """G-DPO: tune the adapter of a text encoder so that vectors respect distance and keep their meaning.

    `L = L_align + lambda L_sim` (arXiv 2511.14221; docs/method.md, section 2). The reference is the same encoder with
    its adapter off: no second copy of the weights, and its embeddings of all places are computed once. Needs a
    `PreferenceData`.

    Each validation logs `before/...` (reference) and `after/...` (aligned), both on real distances: coverage@k by
    region level, purity@k, median km of the k nearest, effective rank; `after/cosine_to_reference`; and
    `bound/coverage+purity@k`, the maximum that any embedding can reach at the finest level.

    Args:
        encoder: Text encoder with an adapter (`lora` set).
        loss: Preference loss (L_align).
        similarity_weight: Weight of the similarity term (lambda): the trade-off between meaning and geography.
        similarity_temperature: Temperature of the similarity term (tau).
        neighbours: Number of nearest vectors (k) in coverage@k, purity@k and median km@k.
        optimizer: Optimizer for the adapter; its learning rate decays linearly to zero over the training.
    """

    reads = PreferenceBatch

    def __init__(
        self,
        encoder: TextEncoder,
        loss: PreferenceLoss,
        similarity_weight: float = 1.0,
        similarity_temperature: float = 0.05,
        neighbours: int = 5,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=5e-4),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.encoder = encoder
        self.loss = loss
        self.similarity_weight = similarity_weight
        self.similarity_temperature = similarity_temperature
        self.neighbours = neighbours
        self._reference: Tensor | None = None
        self._aligned: tuple[str, Tensor] | None = None  # adapter hash, embeddings

    def build(self, shape: DataShape) -> None:
        """Check that there is an adapter to train.

        Raises:
            LgsidError: if the encoder has no trainable adapter.
        """
        if not self.encoder.is_trainable:
            raise LgsidError("GDPOAligner: the encoder has no adapter to train; set model.init_args.encoder's `lora`")

    def configure_optimizers(self) -> OptimizerLRScheduler:  # type: ignore[override]
        """Return the optimizer for the adapter, its learning rate decaying linearly to zero over the training."""
        optimizer = self.optimizer([p for p in self.encoder.parameters() if p.requires_grad])
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def setup(self, stage: str) -> None:
        """Load the reward model, if the loss has one, and compute the reference embeddings of all places, once."""
        super().setup(stage)
        if stage == "fit":
            self.loss.prepare(self.encoder)
        if stage != "predict":
            self.reference_embeddings()

    def forward(self, texts: list[str]) -> Tensor:
        """Encode B prompts with the adapter on, with a gradient, those of similar length together. Shape (B, D)."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = [order[start : start + LENGTH_BUCKET] for start in range(0, len(order), LENGTH_BUCKET)]
        vectors = torch.cat([self.encoder([texts[i] for i in part]) for part in parts])
        return vectors[torch.tensor(order, device=vectors.device).argsort()]

    def training_step(self, batch: PreferenceBatch, batch_idx: int) -> Tensor:
        """Return `L_align + lambda L_sim` of a batch of pairs; each place is encoded once."""
        n_pairs, n_rejected = batch.rejected.shape
        rows = torch.cat([batch.anchor, batch.chosen, batch.rejected.flatten()])
        places, where = torch.unique(rows, return_inverse=True)
        policy = self([self.trainer.datamodule.texts[row] for row in places.tolist()])  # type: ignore[attr-defined]
        reference = self.reference_embeddings()[places.cpu()].to(policy.device)
        anchor, chosen, rejected = where.split([n_pairs, n_pairs, n_pairs * n_rejected])
        candidates = torch.cat([chosen[:, None], rejected.view(n_pairs, n_rejected)], dim=1)  # (B, 1 + K)
        vectors = (policy[anchor], policy[candidates], reference[anchor], reference[candidates])
        align, gain = self.loss(*vectors, batch.positive)
        similarity = contrastive_similarity_loss(policy, reference, self.similarity_temperature)
        total: Tensor = align + self.similarity_weight * similarity
        self.log_dict(
            {
                "train/align": align,
                "train/similarity": similarity,
                "train/loss": total,
                "train/gained": (gain > 0).float().mean(),  # share of pairs whose margin grew
            },
            prog_bar=True,
            batch_size=n_pairs,
        )
        return total

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """Log neighborhood metrics before and after the alignment; the batch holds the rows of all places."""
        self.log_dict(self.neighborhood_metrics(), batch_size=len(batch))

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        """Log the same as `validation_step`: alignment is evaluated on the catalog, without check-ins."""
        self.log_dict(self.neighborhood_metrics(), batch_size=len(batch))

    def predict_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return the aligned embeddings of the places in the batch, shape (B, D)."""
        return self.aligned_embeddings()[batch.cpu()]

    def reference_embeddings(self) -> Tensor:
        """Return the embeddings of all places with the adapter off, shape (N, D) on the CPU, computed once."""
        if self._reference is None:
            with self.encoder.reference():
                self._reference = self.encoder.encode(self.trainer.datamodule.texts)  # type: ignore[attr-defined]
        return self._reference

    def aligned_embeddings(self) -> Tensor:
        """Return the embeddings of all places with the adapter on, shape (N, D) on the CPU."""
        adapter = self.encoder.adapter_hash()
        if self._aligned is None or self._aligned[0] != adapter:
            vectors = self.encoder.encode(self.trainer.datamodule.texts, use_cache=False)  # type: ignore[attr-defined]
            self._aligned = (adapter, vectors)
        return self._aligned[1]

    @torch.no_grad()
    def neighborhood_metrics(self) -> dict[str, Tensor]:
        """Return the metrics of the reference (`before/`) and of the aligned encoder (`after/`)."""
        places = self.trainer.datamodule.places  # type: ignore[attr-defined]
        location = (places.region, places.category, places.lat_deg, places.lon_deg)
        reference, aligned = self.reference_embeddings(), self.aligned_embeddings()
        before, after = NeighborhoodMetrics(self.neighbours), NeighborhoodMetrics(self.neighbours)
        before.update(reference, *location)
        after.update(aligned, *location, reference=reference)
        results = {f"before/{name}": value for name, value in before.compute().items()}
        results |= {f"after/{name}": value for name, value in after.compute().items()}
        if places.region.shape[1] and (places.region[:, -1] > 0).any() and (places.category > 0).any():
            bound = agreement_bound_at_k(places.region[:, -1], places.category, self.neighbours)
            results[f"bound/coverage+purity@{self.neighbours}"] = bound
        return {name: value.float() for name, value in results.items()}

    def embeddings(
        self, items: Items | Dataset | None = None, prompts: PromptTemplate | None = None, reference: bool = False
    ) -> Embeddings:
        """Return the vectors of items under the aligned encoder, each with its item id.

        Args:
            items: The items; those of the data that the encoder is aligned on if not given.
            prompts: Template of their prompts; that of the alignment if not given.
            reference: Return the vectors before the alignment instead, with the adapter off.

        Raises:
            LgsidError: if items or their prompts are not given, and no data is attached: neither fitted nor tested.
        """
        data: Any = getattr(self._trainer, "datamodule", None)
        if data is None and (items is None or prompts is None):
            raise LgsidError("GDPOAligner: not fitted here; give `items` and `prompts`")
        table = data.dataset if items is None else items
        template = prompts or data.prompts
        if items is None and prompts is None:
            vectors = self.reference_embeddings() if reference else self.aligned_embeddings()
        else:
            with self.encoder.reference() if reference else nullcontext():
                vectors = self.encoder.encode(template.prompts(_items(table)), use_cache=reference)
        metadata = {"encoder": self._describe_encoder(reference), "prompts": template.describe()}
        if isinstance(table, Dataset):
            metadata["data_hash"] = table.data_hash
        return Embeddings(_items(table).ids, vectors.numpy(), metadata)

    def _describe_encoder(self, reference: bool) -> dict[str, Any]:
        described = self.encoder.describe()
        return {**described, "adapter_hash": ""} if reference else described

    def export_predictions(self, folder: Path, predictions: Sequence[Any]) -> Path:
        """Write the aligned embeddings of all places, `embeddings.parquet`."""
        path = Path(folder) / EMBEDDINGS_FILE
        self.embeddings().write(path)
        return path

    def export(self, folder: Path) -> None:
        """Write `adapter/` in peft's format, `embeddings.parquet` (aligned) and `reference_embeddings.parquet`."""
        folder = Path(folder)
        self.encoder.save_adapter(folder / "adapter")
        self.embeddings().write(folder / EMBEDDINGS_FILE)
        self.embeddings(reference=True).write(folder / REFERENCE_EMBEDDINGS_FILE)


def _items(table: Items | Dataset) -> Items:
    return table.items if isinstance(table, Dataset) else table
