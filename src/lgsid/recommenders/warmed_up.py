"""A learning rate that rises at first and then falls to zero."""

from __future__ import annotations

from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warmed_up(optimizer: Optimizer, steps: float, share: float) -> OptimizerLRSchedulerConfig:
    """Give an optimizer a linear warm-up and a linear decay to zero, step by step.

    Args:
        optimizer: The optimizer.
        steps: Steps of the whole training.
        share: Share of the steps in which the learning rate rises.
    """
    steps = max(1, int(steps))
    warmup = max(1, round(share * steps))

    def factor(step: int) -> float:
        return min((step + 1) / warmup, max(0.0, (steps - step) / max(1, steps - warmup)))

    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": LambdaLR(optimizer, factor), "interval": "step"}}
