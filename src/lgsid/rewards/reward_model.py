"""The reward model: does this content belong at this location?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR

from lgsid.artefacts.names import PREDICTIONS_FILE
from lgsid.artefacts.tables import write_parquet
from lgsid.errors import LgsidError
from lgsid.metrics import reward_declarations
from lgsid.module import LgsidModule
from lgsid.rewards.head_inputs import AnchoredPair, HeadInput
from lgsid.rewards.reward_head import CHECKPOINT_KEY, RewardHead
from lgsid.rewards.reward_losses import ListwiseSoftmax, RewardLoss
from lgsid.text import TextEncoder
from lgsid.typing import RewardBatch


class RewardModel(LgsidModule):
    """List-wise reward model on the vectors of a text encoder, trained on `RewardData`.

    Without LoRA the encoder is frozen: every prompt is encoded once, the vectors are cached on disk, and the head
    trains on them. With LoRA, prompts are encoded in the training step. The checkpoint holds the head (and the
    adapter), not the pre-trained weights; `RewardHead.load` loads the head without the encoder.

    Logs, on lists of held-out places, the true location left out: `heldout/<kind>/spearman` with minus distance and
    `ndcg@10` of the labels, both beside the cosine of the encoder's vectors (`cosine_`), beside minus the distance
    (`nearness_`) and beside chance (`chance_ndcg@10`; a rank correlation is 0 by chance). `own_first` is the share of
    lists whose true location has the highest score (chance `1 / (K + 1)`); inputs that see the anchor's own prompt do
    not have it. A test also logs what the reward reads: `reads/<variant>/<kind>/..`, the same on the same lists with
    parts of the prompts taken away, see `lgsid.text.prompt_variants`.

    Source: LGSID (arXiv 2511.14221); docs/method.md, section 1.

    Args:
        encoder: Text encoder; all-MiniLM-L6-v2 if not given.
        input: Features that the head scores; `AnchoredPair` if not given.
        loss: Loss over lists of candidates; `ListwiseSoftmax` if not given.
        hidden_dim: Width of the head's hidden layer.
        dropout: Dropout probability in the head.
        optimizer: Optimizer for the head (and the adapter); its learning rate follows a cosine decay to zero.
    """

    reads = RewardBatch
    same_chance = True  # of the dropout in the head, which every process runs on the whole batch

    def __init__(
        self,
        encoder: TextEncoder | None = None,
        input: HeadInput | None = None,
        loss: RewardLoss | None = None,
        hidden_dim: int = 128,
        dropout: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.01),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.encoder = encoder or TextEncoder()
        self.loss = loss or ListwiseSoftmax()
        self.head = RewardHead(
            input or AnchoredPair(), self.encoder.dim, hidden_dim, dropout, encoder=self.encoder.describe()
        )
        self._bank = torch.empty(0, self.encoder.dim)

    def score(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the reward of each candidate for its anchor, differentiable in both.

        Args:
            anchor: Vectors of the anchors' own prompts, shape (B, D).
            candidates: Vectors of the candidates' prompts, shape (B, C, D).

        Returns:
            Logits, shape (B, C).
        """
        return self.head.score(anchor, candidates)

    def on_fit_start(self) -> None:
        """Encode all prompts before the first step if the encoder is frozen."""
        if not self.encoder.is_trainable:
            self._vectors(torch.zeros(1, 1, dtype=torch.int64, device=self.device))

    def training_step(self, batch: RewardBatch, batch_idx: int) -> Tensor:
        """Return the loss of a batch of lists."""
        vectors = self._vectors(batch.prompt, together=True)
        first = 1 if self.head.input.sees_anchor and not self.loss.needs_own else 0
        scores = self.score(vectors[:, 0], vectors[:, first:])
        loss = cast(Tensor, self.loss(scores, batch.label[:, first:]))
        self.log("train/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch))
        return loss

    def validation_step(self, batch: RewardBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log ranking metrics of held-out lists."""
        lists = self._data().list_names[dataloader_idx]
        for name, value in self.list_metrics(batch).items():
            self.log(
                f"{lists}/{name}",
                value,
                batch_size=len(batch),
                add_dataloader_idx=False,
                prog_bar=name == reward_declarations.PRIMARY,
            )

    def test_step(self, batch: RewardBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log ranking metrics of held-out lists, also with parts of their prompts taken away."""
        self.validation_step(batch, batch_idx, dataloader_idx)

    def on_validation_epoch_end(self) -> None:
        """Let the processes that have more lists than this one encode them."""
        self.encoder.wait_for_all()

    def on_test_epoch_end(self) -> None:
        """Let the processes that have more lists than this one encode them."""
        self.encoder.wait_for_all()

    def on_predict_epoch_end(self) -> None:
        """Let the processes that have more lists than this one encode them."""
        self.encoder.wait_for_all()

    def predict_step(self, batch: RewardBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Any]:
        """Return columns of held-out lists, (B * (K + 1),) each: kind, anchor, candidate, label, distance_km, score."""
        vectors = self._vectors(batch.prompt)
        scores = self.score(vectors[:, 0], vectors)
        anchor = batch.anchor[:, None].expand(scores.shape)
        given = {"anchor": anchor, "candidate": batch.candidate, "label": batch.label}
        given |= {"distance_km": batch.distance_km, "score": scores}
        kind = [self._data().list_names[dataloader_idx].partition("/")[2]] * scores.numel()
        return {"kind": kind, **{name: values.flatten().cpu().numpy() for name, values in given.items()}}

    def export_predictions(self, folder: Path, predictions: Sequence[Any]) -> Path:
        """Write `predictions.parquet`: kind of list, anchor and candidate by item id, label, distance_km, score."""
        ids = self._data().dataset.items.ids
        columns = {name: np.concatenate([part[name] for part in predictions]) for name in predictions[0]}
        kinds = {kind: number for number, kind in enumerate(dict.fromkeys(columns["kind"].tolist()))}
        number = np.array([kinds[kind] for kind in columns["kind"].tolist()])
        order = np.lexsort([columns["anchor"], number])
        columns = {name: values[order] for name, values in columns.items()}
        named = {f"{name}_id": ids[columns.pop(name)] for name in ("anchor", "candidate")}
        path = Path(folder) / PREDICTIONS_FILE
        write_parquet(pa.table({"kind": columns.pop("kind"), **named, **columns}), path)
        return path

    def list_metrics(self, batch: RewardBatch) -> dict[str, Tensor]:
        """Return the metrics of held-out lists, averaged over the batch, by name."""
        vectors = self._vectors(batch.prompt)
        scores = self.score(vectors[:, 0], vectors)
        cosine = F.cosine_similarity(vectors[:, :1], vectors[:, 1:], dim=-1)
        found = reward_declarations.list_metrics(scores[:, 1:], cosine, batch.label[:, 1:], batch.distance_km[:, 1:])
        if not self.head.input.sees_anchor:
            found["own_first"] = (scores[:, :1] > scores[:, 1:]).all(dim=1).float()
        return {name: value.mean() for name, value in found.items()}

    def configure_optimizers(self) -> Any:
        """Return the optimizer with a cosine decay of the learning rate over the training."""
        optimizer = super().configure_optimizers()
        steps = max(int(self.trainer.estimated_stepping_batches), 1)
        schedule = {"scheduler": CosineAnnealingLR(optimizer, steps), "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the description from which `RewardHead.load` rebuilds the head."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[CHECKPOINT_KEY] = self.head.describe()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Rebuild the head as it was trained; refuse another encoder.

        Raises:
            LgsidError: if it is not the checkpoint of a reward model, or the encoder differs from that of the training.
        """
        if CHECKPOINT_KEY not in checkpoint:
            raise LgsidError("reward model: this is not the checkpoint of a RewardModel")
        super().on_load_checkpoint(checkpoint)
        description = checkpoint[CHECKPOINT_KEY]
        for name in ("weights_hash", "pooling", "normalize", "dim"):
            here, there = self.head.encoder[name], description["encoder"][name]
            if here != there:
                raise LgsidError(
                    f"reward model: it was trained on an encoder with {name} {there!r}, not {here!r}; set the same"
                )
        self.head = RewardHead.from_description(description)

    def _data(self) -> Any:
        data = getattr(self.trainer, "datamodule", None)
        if not hasattr(data, "list_names") or not hasattr(data, "book"):
            raise LgsidError(f"RewardModel: needs lgsid.datamodules.RewardData as data, not {type(data).__name__}")
        return data

    def _vectors(self, prompt: Tensor, together: bool = False) -> Tensor:
        """Return vectors of prompts given as rows of the datamodule's texts: (B, C) int64 -> (B, C, D).

        Args:
            prompt: The rows.
            together: Whether all processes ask for the same, so that each encodes its share of them.
        """
        book = self._data().book
        if not self.encoder.is_trainable:
            if len(self._bank) < len(book.texts):  # a test adds some
                self._bank = torch.cat([self.encoder.encode_together(part) for part in book.parts]).to(self.device)
            return self._bank[prompt]
        distinct, inverse = torch.unique(prompt, return_inverse=True)
        rows = distinct.tolist()
        tokens = self.encoder.tokenize([book.texts[row] for row in rows])
        vectors = self.encoder.embed_together(tokens) if together else self.encoder.embed(tokens)
        return vectors[inverse]
