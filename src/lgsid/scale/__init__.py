"""Catalogues that do not fit in memory: in parts, on one machine or on a Ray cluster."""

from typing import TYPE_CHECKING

from lgsid.lazy_names import lazy_names

if TYPE_CHECKING:
    from lgsid.scale.catalogue import (
        card_of_catalogue,
        embed_catalogue,
        read_semantic_ids,
        sample_catalogue,
        tokenize_catalogue,
    )
    from lgsid.scale.executor import Executor
    from lgsid.scale.local_executor import LocalExecutor
    from lgsid.scale.place_neighbors import neighbors_of_catalogue
    from lgsid.scale.ray_executor import RayExecutor
    from lgsid.scale.step import Step
    from lgsid.scale.task import Task

__all__ = [
    "Executor",
    "LocalExecutor",
    "RayExecutor",
    "Step",
    "Task",
    "card_of_catalogue",
    "embed_catalogue",
    "neighbors_of_catalogue",
    "read_semantic_ids",
    "sample_catalogue",
    "tokenize_catalogue",
]

# a worker imports what its step needs, and no more
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "lgsid.scale.catalogue": (
            "card_of_catalogue",
            "embed_catalogue",
            "read_semantic_ids",
            "sample_catalogue",
            "tokenize_catalogue",
        ),
        "lgsid.scale.executor": ("Executor",),
        "lgsid.scale.local_executor": ("LocalExecutor",),
        "lgsid.scale.place_neighbors": ("neighbors_of_catalogue",),
        "lgsid.scale.ray_executor": ("RayExecutor",),
        "lgsid.scale.step": ("Step",),
        "lgsid.scale.task": ("Task",),
    },
)
