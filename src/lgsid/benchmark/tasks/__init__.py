"""What a suite can measure: one class per task, by the name that a suite file uses."""

from collections.abc import Mapping
from types import MappingProxyType

from lgsid.benchmark.tasks.click_through import ClickThrough
from lgsid.benchmark.tasks.next_place import NextPlace
from lgsid.benchmark.tasks.place_vectors import PlaceVectors
from lgsid.benchmark.tasks.sid_quality import SidQuality
from lgsid.benchmark.tasks.task import Task

OWN_TASKS = (NextPlace(), ClickThrough(), SidQuality(), PlaceVectors())
TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in OWN_TASKS})

__all__ = ["TASKS", "ClickThrough", "NextPlace", "PlaceVectors", "SidQuality", "Task"]
