"""Frozen weights of a network in pieces, one in each of several processes."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard


def shard_frozen(network: nn.Module, mesh: DeviceMesh) -> None:
    """Cut the weights of a network that want no gradient into pieces, in place; each process keeps one of every weight.

    Block by block, a forward or backward pass puts those of the block together and lets them go again: a process holds
    1/W of all and the whole of one block (for the embeddings of tokens: of what is in no block). Weights that want a
    gradient stay whole, for a data parallel strategy to look after.

    Source: ZeRO, stage 3 (arXiv 1910.02054), by `torch.distributed.fsdp.fully_shard`.

    Args:
        network: The network; its blocks are the members of its outermost `ModuleList`s.
        mesh: One axis of the W processes.
    """
    trained = {parameter for parameter in network.parameters() if parameter.requires_grad}
    for block in blocks(network):
        fully_shard(block, mesh=mesh, ignored_params=trained, reshard_after_forward=True)
    fully_shard(network, mesh=mesh, ignored_params=trained, reshard_after_forward=True)


def blocks(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the members of the outermost lists of modules: the layers of a transformer."""
    for child in network.children():
        yield from child if isinstance(child, nn.ModuleList) else blocks(child)
