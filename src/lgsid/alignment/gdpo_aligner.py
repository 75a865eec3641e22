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

from lgsid.alignment.alignment_loss import AlignmentLoss, EncodedPairs
from lgsid.alignment.next_place_judge import NextPlaceJudge
from lgsid.artefacts import Dataset, Embeddings, Items
from lgsid.artefacts.names import EMBEDDINGS_FILE, REFERENCE_EMBEDDINGS_FILE
from lgsid.errors import LgsidError
from lgsid.functional.neighborhood_bounds import agreement_bound_at_k
from lgsid.functional.preference import contrastive_similarity_loss
from lgsid.metrics import NeighborhoodMetrics
from lgsid.module import LgsidModule
from lgsid.text import PromptTemplate, TextEncoder
from lgsid.text.sentence_retention import sentence_retention
from lgsid.typing import DataShape, PreferenceBatch

logger = logging.getLogger(__name__)
LENGTH_BUCKET = 32  # prompts encoded at once in training; sorted by number of tokens, little of a batch is padding
HELD_OUT = "held_out"  # key of checkpoints and of the metadata of embeddings


class GDPOAligner(LgsidModule):
    """G-DPO: tune the adapter of a text encoder so that vectors respect distance and keep their meaning.

    `L = L_align + lambda L_sim` (arXiv 2511.14221; docs/method.md, section 2). The reference is the same encoder with
    its adapter off: no second copy of the weights, and its embeddings of all places are computed once. Needs a
    `PreferenceData`.

    Each validation logs `before/...` (reference) and `after/...` (aligned), both on real distances: coverage@k by
    region level, purity@k, median km of the k nearest, effective rank; `after/cosine_to_reference`; and
    `bound/coverage+purity@k`, the maximum that any embedding can reach at the finest level; `after/sentences/...`, what
    is left of the sense of everyday sentences. Where the data have check-ins, next-place retrieval on the validation
    split: `val/next_place/last/hit@10` and so on, `val/reference/next_place/...` before the alignment, each also on the
    places held out from it (`held_out/`). A test logs the same, retrieval on the test split. A `ModelCheckpoint` that
    monitors one of them, with `trainer.val_check_interval`, keeps the best adapter, not the last.

    Args:
        encoder: Text encoder with an adapter (`lora` set).
        loss: Loss of the encoded pairs (L_align).
        similarity_weight: Weight of the similarity term (lambda): the trade-off between meaning and geography.
        similarity_temperature: Temperature of the similarity term (tau).
        neighbours: Number of nearest vectors (k) in coverage@k, purity@k and median km@k.
        val_queries: Maximum number of validation queries in next-place retrieval, evenly spread over the split.
        optimizer: Optimizer for the adapter; its learning rate decays linearly to zero over the training.
    """

    reads = PreferenceBatch

    def __init__(
        self,
        encoder: TextEncoder,
        loss: AlignmentLoss,
        similarity_weight: float = 1.0,
        similarity_temperature: float = 0.05,
        neighbours: int = 5,
        val_queries: int = 2000,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=5e-4),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.encoder = encoder
        self.loss = loss
        self.similarity_weight = similarity_weight
        self.similarity_temperature = similarity_temperature
        self.neighbours = neighbours
        self.val_queries = val_queries
        self._held_out: dict[str, Any] = {}  # share and seed of the places held out from the training
        self._tokens: list[list[int]] | None = None
        self._judge: NextPlaceJudge | None = None
        self._reference: Tensor | None = None
        self._aligned: tuple[str, Tensor] | None = None  # adapter hash, embeddings
        self._measured: Any = None  # the data that all these are of
        self._known: dict[str, dict[str, Tensor]] = {}  # what was measured of the reference: neighborhoods, each split

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
        """Load the reward model, if the loss has one, and note which places the training holds out."""
        super().setup(stage)
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        if data is not self._measured:  # what is kept is of the places of other data
            self._measured, self._known = data, {}
            self._tokens = self._judge = self._reference = self._aligned = None
        if stage == "fit":
            self._held_out = {"share": data.held_out_share, "seed": data.held_out_seed}
            self.loss.prepare(self.encoder, data.dataset)

    def forward(self, texts: list[str]) -> Tensor:
        """Encode B prompts with the adapter on, with a gradient. Shape (B, D)."""
        tokens = self.encoder.tokenize(texts)
        starts = range(0, len(tokens), LENGTH_BUCKET)
        return torch.cat([self.encoder.embed(tokens[start : start + LENGTH_BUCKET]) for start in starts])

    @property
    def tokens(self) -> list[list[int]]:
        """Token ids of the prompts of all places, tokenized once."""
        if self._tokens is None:
            self._tokens = self.encoder.tokenize(self.trainer.datamodule.texts)  # type: ignore[attr-defined]
        return self._tokens

    def on_fit_start(self) -> None:
        """Compute the reference embeddings of all places, once."""
        self.reference_embeddings()

    def training_step(self, batch: PreferenceBatch, batch_idx: int) -> Tensor:
        """Return `L_align + lambda L_sim` of a batch of pairs; each place is encoded once."""
        n_pairs, n_rejected = batch.rejected.shape
        rows = torch.cat([batch.anchor, batch.chosen, batch.rejected.flatten()])
        places, where = torch.unique(rows, return_inverse=True)
        policy = self.encoder.embed_together([self.tokens[row] for row in places.tolist()], LENGTH_BUCKET)
        reference = self.reference_embeddings()[places.cpu()].to(policy.device)
        anchor, chosen, rejected = where.split([n_pairs, n_pairs, n_pairs * n_rejected])
        candidates = torch.cat([chosen[:, None], rejected.view(n_pairs, n_rejected)], dim=1)  # (B, 1 + K)
        align, gain = self.loss.of(EncodedPairs(places, policy, reference, anchor, candidates, batch.positive))
        similarity = contrastive_similarity_loss(policy, reference, self.similarity_temperature)
        total: Tensor = align + self.similarity_weight * similarity
        self.log_dict(
            {
                "train/align": align,
                "train/similarity": similarity,
                "train/loss": total,
                "train/margin": gain.mean(),  # of rewards, over the reference's
                "train/gained": (gain > 0).float().mean(),  # share of pairs whose margin grew
            },
            prog_bar=True,
            batch_size=n_pairs,
        )
        return total

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """Log what the vectors are good for, before and after; the batch holds the rows of all places."""
        self.log_dict(self.neighborhood_metrics() | self.retrieval_metrics("val"), batch_size=len(batch))

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        """Log the same as `validation_step`, next-place retrieval on the test split."""
        self.log_dict(self.neighborhood_metrics() | self.retrieval_metrics("test"), batch_size=len(batch))

    def predict_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return the aligned embeddings of the places in the batch, shape (B, D)."""
        return self.aligned_embeddings()[batch.cpu()]

    def reference_embeddings(self) -> Tensor:
        """Return the embeddings of all places with the adapter off, shape (N, D) on the CPU, computed once."""
        if self._reference is None:
            with self.encoder.reference():
                texts = self.trainer.datamodule.texts  # type: ignore[attr-defined]
                self._reference = self.encoder.encode_together(texts)
        return self._reference

    def aligned_embeddings(self) -> Tensor:
        """Return the embeddings of all places with the adapter on, shape (N, D) on the CPU."""
        adapter = self.encoder.adapter_hash()
        if self._aligned is None or self._aligned[0] != adapter:
            texts = self.trainer.datamodule.texts  # type: ignore[attr-defined]
            self._aligned = (adapter, self.encoder.encode_together(texts, use_cache=False))
        return self._aligned[1]

    @torch.no_grad()
    def neighborhood_metrics(self) -> dict[str, Tensor]:
        """Return the metrics of the reference (`before/`) and of the aligned encoder (`after/`)."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        places, held_out = data.places, torch.from_numpy(data.is_held_out)
        location = (places.region, places.category, places.lat_deg, places.lon_deg)
        reference, aligned = self.reference_embeddings(), self.aligned_embeddings()
        after = NeighborhoodMetrics(self.neighbours, sync_on_compute=False)  # every process has all vectors
        after.update(aligned, *location, reference=reference, held_out=held_out)
        results = {f"after/{name}": value for name, value in after.compute().items()}
        if "before" not in self._known:  # of the reference, which does not change
            before = NeighborhoodMetrics(self.neighbours, sync_on_compute=False)
            before.update(reference, *location, held_out=held_out)
            known = {f"before/{name}": value for name, value in before.compute().items()}
            if places.region.shape[1] and (places.region[:, -1] > 0).any() and (places.category > 0).any():
                bound = agreement_bound_at_k(places.region[:, -1], places.category, self.neighbours)
                known[f"bound/coverage+purity@{self.neighbours}"] = bound
            self._known["before"] = known
        results = self._known["before"] | results
        sentences = {f"after/sentences/{k}": torch.tensor(v) for k, v in sentence_retention(self.encoder).items()}
        return {name: value.float() for name, value in (results | sentences).items()}

    @torch.no_grad()
    def retrieval_metrics(self, split: str) -> dict[str, Tensor]:
        """Return next-place retrieval of both on a split, "val" or "test"; nothing if the data ask nothing there."""
        if self._judge is None:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            self._judge = NextPlaceJudge(data.dataset, data.is_held_out, self.val_queries)
        if split not in self._known:
            measured = self._judge.measure(self.reference_embeddings(), split)
            self._known[split] = {f"{split}/reference/next_place/{name}": value for name, value in measured.items()}
        found = self._judge.measure(self.aligned_embeddings(), split)
        results = {f"{split}/next_place/{name}": value for name, value in found.items()} | self._known[split]
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
        if self._held_out:
            metadata[HELD_OUT] = dict(self._held_out)
        if isinstance(table, Dataset):
            metadata["data_hash"] = table.data_hash
        return Embeddings(_items(table).ids, vectors.numpy(), metadata)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep which places were held out; see the base class."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[HELD_OUT] = self._held_out

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore which places were held out; see the base class.

        Raises:
            LgsidError: if that is no share and seed.
        """
        super().on_load_checkpoint(checkpoint)
        found = checkpoint.get(HELD_OUT, {})
        if not isinstance(found, dict) or not all(isinstance(value, (int, float)) for value in found.values()):
            raise LgsidError(f"{HELD_OUT}: {str(found)[:60]!r} is no share and seed of places; train again")
        self._held_out = dict(found)

    def _describe_encoder(self, reference: bool) -> dict[str, Any]:
        described = self.encoder.describe()
        return {**described, "adapter_hash": ""} if reference else described

    def export_predictions(self, folder: Path, predictions: Sequence[Any]) -> Path:
        """Write the embeddings of all places, `embeddings.parquet` (aligned) and `reference_embeddings.parquet`."""
        self._write_embeddings(Path(folder))
        return Path(folder) / EMBEDDINGS_FILE

    def prepare_export(self) -> None:
        """Encode all places, all processes together."""
        self.reference_embeddings()
        self.aligned_embeddings()

    def export(self, folder: Path) -> None:
        """Write `adapter/` in peft's format, `embeddings.parquet` (aligned) and `reference_embeddings.parquet`."""
        folder = Path(folder)
        self.encoder.save_adapter(folder / "adapter")
        self._write_embeddings(folder)

    def _write_embeddings(self, folder: Path) -> None:
        self.embeddings().write(folder / EMBEDDINGS_FILE)
        self.embeddings(reference=True).write(folder / REFERENCE_EMBEDDINGS_FILE)


def _items(table: Items | Dataset) -> Items:
    return table.items if isinstance(table, Dataset) else table
