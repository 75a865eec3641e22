"""Base classes of everything that Lightning trains here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.cli import OptimizerCallable
from torch.optim import Optimizer

from lgsid.typing import DataShape

PLAIN = (str, int, float, bool, type(None))


def is_plain(value: Any) -> bool:
    """Tell whether a value is made of JSON types only, and so survives `weights_only` loading."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and is_plain(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(is_plain(v) for v in value)
    return isinstance(value, PLAIN)


class LgsidDataModule(L.LightningDataModule, ABC):
    """A datamodule that can tell the sizes of its data before training starts."""

    @property
    @abstractmethod
    def shape(self) -> DataShape:
        """Sizes of the data. Callable after `setup`."""


class LgsidModule(L.LightningModule, ABC):
    """A LightningModule whose layers may depend on the data, and which writes artefacts when it is done.

    Subclasses call `super().__init__(optimizer)` then `self.save_hyperparameters()`, create what depends on the
    sizes of the data in `build`, and write their results in `export`. `build` runs before training, from the
    datamodule, and before loading a checkpoint, from the sizes kept there.
    """

    def __init__(self, optimizer: OptimizerCallable) -> None:
        super().__init__()
        self.optimizer = optimizer
        self.data_shape: DataShape | None = None

    def build(self, shape: DataShape) -> None:
        """Create the layers and buffers whose sizes depend on the data."""

    def ensure_built(self, shape: DataShape) -> None:
        """Call `build` once; later calls with other sizes are ignored, since the layers exist."""
        if self.data_shape is None:
            self.build(shape)
            self.data_shape = shape

    def setup(self, stage: str) -> None:
        """Build from the datamodule that the trainer has set up."""
        datamodule = getattr(self.trainer, "datamodule", None)
        if isinstance(datamodule, LgsidDataModule):
            self.ensure_built(datamodule.shape)

    def configure_optimizers(self) -> Optimizer:
        """Give the optimizer every parameter that wants a gradient."""
        return self.optimizer([p for p in self.parameters() if p.requires_grad])

    def export(self, folder: Path) -> None:
        """Write the artefacts of a finished training to `folder`."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the sizes of the data, and drop hyper-parameters that are objects: the config file has them."""
        if self.data_shape is not None:
            checkpoint["data_shape"] = asdict(self.data_shape)
        parameters = checkpoint.get(self.CHECKPOINT_HYPER_PARAMS_KEY)
        if parameters:
            checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY] = {k: v for k, v in parameters.items() if is_plain(v)}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the layers before their weights are loaded."""
        if "data_shape" in checkpoint:
            self.ensure_built(DataShape.from_dict(checkpoint["data_shape"]))
