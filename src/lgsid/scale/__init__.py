"""Catalogues that do not fit in memory: in parts, on one machine or on a Ray cluster."""

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
