"""A training of a few steps, for tests."""

from __future__ import annotations

import lightning as L

from lgsid.testing.quiet_trainer import quiet_trainer


def few_steps(module: L.LightningModule, data: L.LightningDataModule, n_batches: int = 3) -> None:
    """Train a module for a few batches on the CPU, writing and showing nothing.

    Args:
        module: The module.
        data: Its data.
        n_batches: Number of training batches.
    """
    trainer = quiet_trainer(max_epochs=1, limit_train_batches=n_batches, limit_val_batches=0)
    trainer.fit(module, data)
