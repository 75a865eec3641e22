"""A training of a few steps, for tests."""

from __future__ import annotations

import lightning as L


def few_steps(module: L.LightningModule, data: L.LightningDataModule, n_batches: int = 3) -> None:
    """Train a module for a few batches on the CPU, writing and showing nothing.

    Args:
        module: The module.
        data: Its data.
        n_batches: Number of training batches.
    """
    trainer = L.Trainer(
        max_epochs=1,
        limit_train_batches=n_batches,
        limit_val_batches=0,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
