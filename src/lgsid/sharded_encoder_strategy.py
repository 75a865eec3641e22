"""Data parallel training with the frozen weights of text encoders in pieces."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from lightning.pytorch.strategies import DDPStrategy, StrategyRegistry
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel
from typing_extensions import override

from lgsid.errors import LgsidError

NAME = "ddp_sharded_encoder"


@runtime_checkable
class Shardable(Protocol):
    """A part of a module whose frozen weights can be cut into pieces, such as `lgsid.text.TextEncoder`."""

    is_sharded: bool

    @property
    def can_be_sharded(self) -> bool:
        """Whether there are such weights."""

    def shard(self, mesh: DeviceMesh) -> None:
        """Cut them."""


class ShardedEncoderStrategy(DDPStrategy):
    """Strategy `ddp_sharded_encoder`: `ddp`, with the frozen weights of text encoders cut into a piece per process.

    For encoders that are large beside the memory of one device. What is trained (the adapter, a reward head) stays
    whole and goes the way of `ddp`, so that adapters are hashed, written and loaded as ever; the frozen weights, which
    are most of an encoder, are held once by all processes together (`lgsid.text.frozen_shards`), not by each.

    Args:
        **options: Arguments of Lightning's `DDPStrategy`.
    """

    strategy_name = NAME

    @override
    def model_to_device(self) -> None:
        """Cut the encoders, then move the rest; block by block, so that no device ever holds a whole encoder.

        Raises:
            LgsidError: if the module has no text encoder with frozen weights.
        """
        self.shard_encoders()
        super().model_to_device()

    def shard_encoders(self) -> None:
        """Cut each text encoder of the module, once.

        Raises:
            LgsidError: if there is none with frozen weights.
        """
        module = self.lightning_module
        assert module is not None
        encoders = [part for part in module.modules() if isinstance(part, Shardable) and part.can_be_sharded]
        if not encoders:
            raise LgsidError(
                f"trainer.strategy: {NAME} cuts the frozen weights of text encoders, and {type(module).__name__} has"
                " none; use ddp"
            )
        mesh = init_device_mesh(self.root_device.type, (self.world_size,))
        for encoder in encoders:
            if not encoder.is_sharded:
                encoder.shard(mesh)

    @override
    def _setup_model(self, model: nn.Module) -> DistributedDataParallel:
        pieces = [name for name, weight in model.named_parameters() if isinstance(weight, DTensor)]
        leave_out = DistributedDataParallel._set_params_and_buffers_to_ignore_for_model
        leave_out(model, pieces)  # type: ignore[no-untyped-call]
        return super()._setup_model(model)

    @override
    def teardown(self) -> None:
        """Leave the pieces on their devices, where all processes put them together after the training, too."""
        super().teardown()
        module = self.lightning_module
        for part in () if module is None else module.modules():
            if isinstance(part, Shardable) and part.is_sharded:
                part.to(self.root_device)


StrategyRegistry.register(NAME, ShardedEncoderStrategy, description="ddp, frozen weights of text encoders in pieces")
