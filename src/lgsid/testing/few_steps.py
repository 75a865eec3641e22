"""A training of a few steps, for tests."""

from __future__ import annotations

import lightning as L

from lgsid.testing.quiet_trainer import QUIET_TRAINER


def few_steps(module: L.LightningModule, data: L.LightningDataModule, n_batches: int = 3) -> None:
    """Train a module for a few batches on the CPU, writing and showing nothing.

    Args:
        module: The module.
        data: Its data.
        n_batches: Number of training batches.
    """
    trainer = L.Trainer(max_epochs=1, limit_train_batches=n_batches, limit_val_batches=0, **QUIET_TRAINER)
    trainer.fit(module, data)
