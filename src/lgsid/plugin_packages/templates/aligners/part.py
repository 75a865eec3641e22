"""A linear map over frozen text vectors, learned from preference pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.alignment import AlignmentLoss, EncodedPairs, SimilarityMargin
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.names import EMBEDDINGS_FILE
from lgsid.module import LgsidModule
from lgsid.text import TextEncoder
from lgsid.typing import DataShape, PreferenceBatch


class PartName(LgsidModule):
    """Learn one matrix that maps the vectors of a frozen encoder to vectors that respect preference pairs.

    Much quicker than an adapter inside the encoder, and much weaker. Needs a `PreferenceData`.

    Args:
        encoder: Text encoder; an adapter that it may have is not trained.
        loss: Loss of the encoded pairs; `SimilarityMargin` if not given.
        optimizer: Optimizer for the matrix.
    """

    reads = PreferenceBatch

    def __init__(
        self,
        encoder: TextEncoder,
        loss: AlignmentLoss | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.encoder = encoder.requires_grad_(False)
        self.loss = loss or SimilarityMargin()
        self._vectors: Tensor | None = None

    def build(self, shape: DataShape) -> None:
        """Create the map, (D, D), the identity at first."""
        self.map = nn.Parameter(torch.eye(self.encoder.dim))

    def setup(self, stage: str) -> None:
        """Let the loss index the data."""
        super().setup(stage)
        if stage == "fit":
            self.loss.prepare(self.encoder, self.data.dataset)

    @property
    def data(self) -> Any:
        """The data module: `dataset`, and `texts`, the N prompts of its places."""
        return self.trainer.datamodule  # type: ignore[attr-defined]

    @property
    def vectors(self) -> Tensor:
        """Vectors of all places before the map, (N, D), computed once."""
        if self._vectors is None:
            self._vectors = self.encoder.encode(self.data.texts, progress=False)
        return self._vectors

    def training_step(self, batch: PreferenceBatch, batch_idx: int) -> Tensor:
        """Return the loss of a batch of pairs: anchor (B,), chosen (B,) and rejected (B, K) are rows of places."""
        rows = torch.cat([batch.anchor, batch.chosen, batch.rejected.flatten()])
        places, where = torch.unique(rows, return_inverse=True)
        reference = self.vectors[places.cpu()].to(self.map.device)
        n, k = batch.rejected.shape
        anchor, chosen, rejected = where.split([n, n, n * k])
        candidates = torch.cat([chosen[:, None], rejected.view(n, k)], dim=1)
        pairs = EncodedPairs(places, reference @ self.map, reference, anchor, candidates, batch.positive)
        loss, gain = self.loss.of(pairs)
        self.log_dict({"train/loss": loss, "train/margin": gain.mean()}, prog_bar=True, batch_size=n)
        return loss

    def export(self, folder: Path) -> None:
        """Write `embeddings.parquet`, the vectors of all places after the map, which tokenizers read."""
        items = self.data.dataset.items
        vectors = (self.vectors @ self.map.detach().cpu()).numpy()
        Embeddings(items.ids, vectors, {"encoder": self.encoder.describe()}).write(Path(folder) / EMBEDDINGS_FILE)
