"""What the processes of one training or evaluation tell each other (`lgsid fit --trainer.devices 2`, `torchrun`).

Without a process group of `torch.distributed` there is one process, and every function here gives back what it got. All
functions that talk are to be called by every process, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.autograd.function import FunctionCtx

T = TypeVar("T")


def n_processes() -> int:
    """Return how many processes work together, W."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process_number() -> int:
    """Return which of them this is, 0..W - 1."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def is_first() -> bool:
    """Tell whether this is the process that writes."""
    return process_number() == 0


def own_rows(n: int) -> Tensor:
    """Return the rows of n that are this process's share: every W-th one, so that neighbors go to different processes.

    Args:
        n: Number of rows.

    Returns:
        Shape (n',) int64, rising; the shares of all processes hold every row once.
    """
    return torch.arange(n)[process_number() :: n_processes()]


def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all processes, those of the first process first, with a gradient to the own ones.

    What is computed from the result has to be the same in every process, such as a mean over the whole batch. Then the
    mean of the gradients over the processes, which a strategy takes, is the gradient of that: the own rows get theirs
    times W. So no process waits for another in the backward pass, and one without rows takes part all the same.

    Args:
        rows: Shape (n, ...); n may differ between processes, and be 0.

    Returns:
        Shape (sum of all n, ...).
    """
    return rows if n_processes() == 1 else cast(Tensor, _GatherRows.apply(rows))  # type: ignore[no-untyped-call]


def gathered_order(n: int) -> Tensor:
    """Return where each of n rows is after `gather_rows` of everybody's `own_rows`, shape (n,) int64."""
    width = n_processes()
    return torch.cat([torch.arange(n)[first::width] for first in range(width)]).argsort()


def any_process(flag: bool) -> bool:
    """Tell whether a flag is set in any process."""
    if n_processes() == 1:
        return flag
    found = torch.tensor(int(flag), device=_device())
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return bool(found)


def sum_of(values: Tensor) -> Tensor:
    """Return the sum of a tensor over the processes, without a gradient; it has the same shape in each."""
    if n_processes() == 1:
        return values
    total = values.detach().clone()
    dist.all_reduce(total)
    return total


def collect(values: Sequence[T]) -> list[T]:
    """Return the values of all processes in the first one, in their order; in the others nothing.

    Args:
        values: Anything that can be pickled.
    """
    if n_processes() == 1:
        return list(values)
    parts: list[Any] | None = [None] * n_processes() if is_first() else None
    dist.gather_object(list(values), parts, dst=0)
    return [value for part in parts or [] for value in part]


@torch.no_grad()
def share_state(module: nn.Module) -> None:
    """Give every process the parameters and buffers of the first one."""
    if n_processes() == 1:
        return
    for value in (*module.parameters(), *module.buffers()):
        whole = value.detach().to(_device()).contiguous()
        dist.broadcast(whole, src=0)
        value.copy_(whole)


def differ_in_chance() -> None:
    """Let every process but the first draw other random numbers from here on, for dropout and negatives."""
    if process_number():
        torch.manual_seed((torch.initial_seed() + process_number()) % (1 << 63))


def reaching(loss: Tensor, parameters: Iterable[Tensor]) -> Tensor:
    """Return the same loss, whose backward pass visits all parameters, also those that it does not depend on.

    A strategy waits for each of them in every process, and in some step one process may have no use for some.
    """
    if n_processes() == 1:
        return loss
    return cast(Tensor, _Reaching.apply(loss, *(p for p in parameters if p.requires_grad)))  # type: ignore[no-untyped-call]


class _GatherRows(torch.autograd.Function):
    """The rows of all processes; backward keeps the own ones, times the number of processes."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        own, flags = rows.detach().contiguous(), rows.dtype == torch.bool
        own = own.to(torch.uint8) if flags else own
        counts = [torch.zeros(1, dtype=torch.int64, device=own.device) for _ in range(n_processes())]
        dist.all_gather(counts, torch.tensor([len(own)], device=own.device))
        sizes = [int(count) for count in counts]
        padded = own.new_zeros(max(sizes), *own.shape[1:])
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        ctx.start = sum(sizes[: process_number()])
        ctx.size = len(own)
        whole = torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])
        return whole.bool() if flags else whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0][ctx.start : ctx.start + ctx.size] * n_processes()


class _Reaching(torch.autograd.Function):
    """The first argument; backward gives the others no gradient, but visits them."""

    @staticmethod
    def forward(ctx: FunctionCtx, loss: Tensor, *parameters: Tensor) -> Tensor:
        return loss.view_as(loss)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return (gradients[0], *(None for _ in ctx.needs_input_grad[1:]))  # type: ignore[attr-defined]


def _device() -> torch.device:
    """Return the device whose tensors the processes can exchange."""
    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
