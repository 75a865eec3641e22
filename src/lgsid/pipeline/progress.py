"""Show how training goes: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback, RichProgressBar

logger = logging.getLogger(__name__)


class ProgressLog(Callback):
    """Log one line at most every `every_s` seconds: epoch, step, loss, time left in the epoch.

    Args:
        every_s: Seconds between two lines.
    """

    def __init__(self, every_s: float = 20.0) -> None:
        self.every_s = every_s
        self.last = self.epoch_start = time.monotonic()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock of the epoch."""
        self.epoch_start = time.monotonic()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log a line if the last one is old enough."""
        now = time.monotonic()
        if now - self.last < self.every_s or not trainer.is_global_zero:
            return
        self.last = now
        done, total = batch_idx + 1, trainer.num_training_batches
        left = (now - self.epoch_start) / done * (float(total) - done)
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        value = f", loss {float(loss):.4g}" if loss is not None else ""
        epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        logger.info("%s: %s, step %d/%s%s, %.0f s left", type(pl_module).__name__, epoch, done, total, value, left)


def progress_callbacks() -> list[Callback]:
    """Return a bar if standard error and output are a terminal, else the log."""
    if sys.stdout.isatty() and sys.stderr.isatty():
        return [RichProgressBar(leave=False)]
    return [ProgressLog()]
