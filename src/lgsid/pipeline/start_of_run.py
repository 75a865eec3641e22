"""What has to be right when a training or a test begins, after the data are read and before anything is written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from lgsid.errors import LgsidError
from lgsid.module import LgsidDataModule, LgsidModule
from lgsid.tokenizers import Tokenizer


class StartOfRun(Callback):
    """Refuse a model without the semantic IDs or the weights that it needs; then begin.

    SIGTERM ends a run at once, as it would without Lightning, which takes a note of it and looks at the note after the
    batch of a training: the process would end with exit code 0, or, told to end in a test, go on with the next stage.

    Args:
        subcommand: "fit", "validate", "test" or "predict".
        has_checkpoint: Whether weights are loaded.
        begin: Called once, before the first batch.
    """

    def __init__(self, subcommand: str, has_checkpoint: bool, begin: Callable[[], None]) -> None:
        self.subcommand, self.has_checkpoint, self.begin = subcommand, has_checkpoint, begin
        self.begun = False
        self.on_sigterm: Any = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Refuse to train a model of semantic IDs on data that have none.

        Raises:
            LgsidError: naming the key that is missing.
        """
        self.on_sigterm = signal.getsignal(signal.SIGTERM)  # Lightning takes it over after this
        datamodule = getattr(trainer, "datamodule", None)
        if self.subcommand != "fit" or not (isinstance(pl_module, LgsidModule) and pl_module.needs_sids):
            return
        if isinstance(datamodule, LgsidDataModule) and not datamodule.shape.codebook_sizes:
            raise LgsidError(
                f"data.init_args.sids is missing: {type(pl_module).__name__} generates semantic IDs; give sids.parquet "
                "of a tokenizer, that of tokenizer/plain_ids.yaml for plain item IDs"
            )

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin a training."""
        self.start(pl_module)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin a validation."""
        self.start(pl_module)

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin a test."""
        self.start(pl_module)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin a prediction."""
        self.start(pl_module)

    def start(self, module: L.LightningModule) -> None:
        """Refuse to judge random weights, else begin, once.

        Raises:
            LgsidError: if the model learns something and no checkpoint is given.
        """
        if self.on_sigterm is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.on_sigterm)
        if self.begun:
            return
        if self.subcommand != "fit" and not self.has_checkpoint and learns(module):
            raise LgsidError(
                f"ckpt_path is missing: {type(module).__name__} would be used with random weights; give "
                "--ckpt_path RUN_FOLDER/model.ckpt of `lgsid fit`"
            )
        self.begun = True
        self.begin()


def learns(module: L.LightningModule) -> bool:
    """Tell whether a model has weights that a training finds; counting models, and models of fitted ones, have none."""
    return isinstance(module, Tokenizer) or any(p.numel() and p.requires_grad for p in module.parameters())
