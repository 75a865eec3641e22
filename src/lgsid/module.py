"""Base classes of everything that Lightning trains here."""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, cast

import lightning as L
import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.strategies import FSDPStrategy, ModelParallelStrategy
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import Self

from lgsid import __version__
from lgsid.checkpoint_file import is_free_of_strangers, read_checkpoint_file
from lgsid.construction import Describable, describe, is_plain
from lgsid.errors import LgsidError
from lgsid.processes import collect, differ_in_chance, n_processes, reaching
from lgsid.sharded_encoder_strategy import NAME as SHARDED_ENCODER
from lgsid.trust import limit_imports, trusting
from lgsid.typing import Batch, DataShape

CONSTRUCTION, VERSION = "construction", "lgsid_version"  # keys of a checkpoint
NOTHING = "_nothing_to_train"  # parameter of a module without any, while several processes fit it


# What libraries say to programmers about what we do on purpose, and on which a user cannot act.
SILENCED = (
    r".*configure_optimizers` returned `None`.*",
    r".*does not have many workers.*",
    r".*`isinstance\(treespec, LeafSpec\)` is deprecated.*",
    r".*Checkpoint directory .* exists and is not empty.*",
    r".*number of training batches.*is smaller than the logging interval.*",
    r".*You defined a `validation_step` but have no `val_dataloader`.*",
    r".*`training_step` returned `None`.*",
    r"Could not find a config file in .* will assume that the vocabulary was not modified.*",
    r".*The dirpath has changed from .*",
    r".*Your `IterableDataset` has `__len__` defined.*",
    r".*module\(s\) in eval mode at the start of training.*",
    r".*Experiment logs directory .* exists and is not empty.*",
)
for pattern in SILENCED:
    warnings.filterwarnings("ignore", message=pattern)


class LgsidDataModule(Describable, L.LightningDataModule, ABC):
    """A datamodule that can tell the sizes of its data before training starts."""

    serves: ClassVar[type[Batch]] = Batch
    """What its dataloaders yield; a module that reads something else refuses it."""
    shares_queries: ClassVar[bool] = False
    """Whether validation, test and prediction serve each of several processes its share, not all of it."""

    @property
    @abstractmethod
    def shape(self) -> DataShape:
        """Sizes of the data. Callable after `setup`."""


class LgsidModule(Describable, L.LightningModule, ABC):
    """A LightningModule whose layers may depend on the data, and which writes artefacts when it is done.

    Subclasses call `super().__init__(optimizer)` then `self.save_hyperparameters()`, create what depends on the
    sizes of the data in `build`, and write their results in `export`. `build` runs before training, from the
    datamodule, and before loading a checkpoint, from the sizes kept there.

    Args:
        optimizer: Optimizer for the parameters that want a gradient.
    """

    not_described = ("optimizer",)
    carries: ClassVar[str] = ""
    """What of the data a checkpoint holds beside weights and arguments (docs/reproducibility.md), for its reader."""
    needs_sids: bool = False
    """Whether training needs semantic IDs in the data."""
    reads: ClassVar[type[Batch]] = Batch
    """What its steps take."""
    same_chance: ClassVar[bool] = False
    """Whether all processes of a training draw the same random numbers, because they do the same."""

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
        """Build from the datamodule that the trainer has set up.

        Raises:
            LgsidError: if the datamodule serves other batches than this module reads, or the strategy cuts weights.
        """
        if isinstance(self.trainer.strategy, (FSDPStrategy, ModelParallelStrategy)):
            raise LgsidError(
                f"trainer.strategy: {type(self.trainer.strategy).__name__} cuts weights into pieces for the processes,"
                " which modules of lgsid cannot hash or write; use ddp, or"
                f" {SHARDED_ENCODER} for a large text encoder"
            )
        datamodule = getattr(self.trainer, "datamodule", None)
        if isinstance(datamodule, LgsidDataModule):
            self.check_batches(datamodule)
            self.ensure_built(datamodule.shape)
        if stage == "fit" and self.trainer.world_size > 1 and not any(p.requires_grad for p in self.parameters()):
            self.register_parameter(NOTHING, nn.Parameter(torch.zeros(())))  # strategies refuse modules without any
            self.automatic_optimization = False

    def teardown(self, stage: str) -> None:
        """Forget what only a strategy needed."""
        self._parameters.pop(NOTHING, None)

    def check_batches(self, datamodule: LgsidDataModule) -> None:
        """Refuse a datamodule that says it serves other batches than this module reads.

        Raises:
            LgsidError: naming both.
        """
        served = datamodule.serves
        if served is not Batch and not issubclass(served, self.reads):
            raise LgsidError(
                f"data: {type(datamodule).__name__} serves {served.__name__}, {type(self).__name__} reads"
                f" {self.reads.__name__}; use a data class that serves these"
            )

    def configure_optimizers(self) -> Optimizer:
        """Give the optimizer every parameter that wants a gradient."""
        return self.optimizer([p for p in self.parameters() if p.requires_grad])

    def on_before_backward(self, loss: Tensor) -> None:
        """Refuse a loss that is not finite, before it reaches the weights.

        Raises:
            LgsidError: naming the epoch and the step.
        """
        if not torch.isfinite(loss).all():
            at = f"epoch {self.current_epoch + 1}, step {self.global_step + 1}"
            raise LgsidError(
                f"{type(self).__name__}: the loss is {loss.detach().float().mean().item()} at {at}; lower the learning "
                "rate, or look for values in the data that are far out"
            )

    def on_train_start(self) -> None:
        """Let the processes of a training draw different random numbers, for dropout and negatives."""
        if not self.same_chance:
            differ_in_chance()

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Run the backward pass; where there are several processes, through all parameters (see `reaching`)."""
        super().backward(reaching(loss, self.parameters()), *args, **kwargs)

    def log(self, name: str, value: Any, *args: Any, **kwargs: Any) -> None:
        """Log a value as Lightning does, but the mean over the processes unless told otherwise.

        Every process has to log it in every step.
        """
        size = kwargs.get("batch_size")
        if size is not None:  # Lightning takes the mean of these over the processes, and drops what is behind the point
            kwargs["batch_size"] = size * n_processes()
        super().log(name, value, *args, **{"sync_dist": True, **kwargs})

    def log_dict(self, dictionary: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log several values; see `log`."""
        super().log_dict(dictionary, *args, **{"sync_dist": True, **kwargs})

    def check_weights(self) -> None:
        """Refuse weights that are not finite: the last step of a training may leave such.

        Raises:
            LgsidError: naming the first such weight.
        """
        for name, weight in self.named_parameters():
            if not torch.isfinite(weight).all():
                raise LgsidError(
                    f"{type(self).__name__}: {name} has values that are not finite after the training; lower the "
                    "learning rate; no checkpoint was written"
                )

    def prepare_export(self) -> None:
        """Do what `export` needs all processes for; every one of them calls it, `export` is for the first."""

    def export(self, folder: Path) -> None:
        """Write the artefacts of a finished training to `folder`; called in the first process."""

    def export_predictions(self, folder: Path, predictions: Sequence[Any]) -> Path:
        """Write what `predict_step` returned to a file in `folder`.

        Args:
            folder: The run folder.
            predictions: What `predict_step` returned for each batch, of all dataloaders one after the other.

        Returns:
            The file.

        Raises:
            LgsidError: if this kind of module predicts nothing.
        """
        raise LgsidError(f"{type(self).__name__}: this kind of module predicts nothing; use `lgsid test`")

    def all_predictions(self, predictions: Sequence[Any]) -> list[Any]:
        """Return what `predict_step` returned in all processes, in the first of them; in the others nothing."""
        datamodule = getattr(self.trainer, "datamodule", None)
        if getattr(datamodule, "shares_queries", False):
            return collect(predictions)
        return list(predictions)

    def forget_check_ins(self) -> None:
        """Forget what is held of single check-ins, so that a checkpoint can be given away; most models hold nothing."""

    def save_hyperparameters(
        self, *args: Any, ignore: Any = None, frame: FrameType | None = None, logger: bool = True
    ) -> None:
        """Keep the constructor's arguments that are plain values, without Lightning's warnings of the others."""
        frame = frame or cast(FrameType, cast(FrameType, inspect.currentframe()).f_back)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is an instance of `nn.Module`.*")
            super().save_hyperparameters(*args, ignore=ignore, frame=frame, logger=logger)
        for name in [name for name, value in self.hparams.items() if not is_plain(value)]:
            del self.hparams[name]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how the module was built (see `lgsid.checkpoints`) and the sizes of the data.

        Hyper-parameters that are objects are dropped, since the description has them, and those that name classes which
        no reader of a checkpoint makes.
        """
        checkpoint[CONSTRUCTION], checkpoint[VERSION] = describe(self), __version__
        checkpoint.get("state_dict", {}).pop(NOTHING, None)
        if self.data_shape is not None:
            checkpoint["data_shape"] = asdict(self.data_shape)
        parameters = checkpoint.get(self.CHECKPOINT_HYPER_PARAMS_KEY)
        if parameters:
            kept = {k: v for k, v in parameters.items() if is_plain(v) and is_free_of_strangers(v)}
            checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY] = kept

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, *args: Any, **kwargs: Any) -> Self:
        """Load a module of this class, as Lightning does, from a file that nobody vouches for.

        Raises:
            LgsidError: if the file is damaged, or holds or names more than a checkpoint of a module does.
        """
        if isinstance(checkpoint_path, (str, Path)):
            read_checkpoint_file(checkpoint_path)
        with trusting(False):
            limit_imports()
            return super().load_from_checkpoint(checkpoint_path, *args, **{**kwargs, "weights_only": True})

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the layers before their weights are loaded."""
        if "data_shape" in checkpoint:
            self.ensure_built(DataShape.from_dict(checkpoint["data_shape"]))
