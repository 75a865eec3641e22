"""Tasks on a Ray cluster, through Ray Data: actors hold what the step loads, parts stream through them."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from lgsid.errors import LgsidError
from lgsid.scale.executor import Executor
from lgsid.scale.part_record import PartRecord
from lgsid.scale.step import Step
from lgsid.scale.task import Task

IN_FLIGHT = 2  # tasks that an actor has at a time: one that it works on, one that waits


class RayExecutor(Executor):
    """Run tasks in actors of a Ray cluster, or of this machine where `RAY_ADDRESS` names none.

    A stream of Ray Data carries the tasks to a pool of actors, and their records back; the rows go from file to file
    inside an actor and never through Ray's object store. An actor is given a task when it has finished another, so
    that no more parts are in memory than there are actors. The task of an actor that dies is given to another one. All
    files must be on storage that every node sees under the same path.

    Args:
        workers: Number of actors.
        cpus: Cores of each.
        gpus: Accelerators of each, or shares of one.

    Raises:
        LgsidError: if Ray Data is not installed.
    """

    def __init__(self, workers: int, cpus: float = 1.0, gpus: float = 0.0) -> None:
        if workers < 1 or cpus <= 0 or gpus < 0:
            raise LgsidError(f"workers: expected at least one, with cores; got {workers} of {cpus:g} cores")
        try:
            import ray.data  # noqa: F401
        except ImportError as error:
            raise LgsidError("workers: Ray Data is not installed; pip install lgsid[scale]") from error
        self.workers, self.cpus, self.gpus = workers, cpus, gpus

    def run(self, step: Step, tasks: Sequence[Task], folder: Path) -> Iterator[PartRecord]:
        """Make the parts of all tasks in actors."""
        import ray
        from ray.exceptions import RayError

        if not tasks:
            return
        if not ray.is_initialized():
            there = "RAY_ADDRESS" in os.environ
            ray.init(
                include_dashboard=None if there else False,
                num_cpus=None if there else max(1, round(self.workers * self.cpus)),
                logging_level=logging.WARNING,
                log_to_driver=False,
            )
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = [{"task": json.dumps(asdict(task))} for task in tasks]
        stream = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            Worker,
            fn_constructor_args=(step, str(folder.resolve())),
            compute=ray.data.ActorPoolStrategy(
                size=min(self.workers, len(rows)), max_tasks_in_flight_per_actor=IN_FLIGHT
            ),
            num_cpus=self.cpus,
            num_gpus=self.gpus or None,
        )
        try:
            for row in stream.iter_rows():
                if row["error"]:
                    raise LgsidError(row["error"])
                yield PartRecord(**json.loads(row["record"]))
        except RayError as error:  # a lost node, or what an actor could not load
            raise LgsidError(f"a worker of Ray failed: {told_by_ray(error)}") from error


class Worker:
    """An actor: opens the step once, then makes one part after the other.

    Args:
        step: The step.
        folder: Folder of its result.
    """

    def __init__(self, step: Step, folder: str) -> None:
        self.step, self.folder = step, Path(folder)
        self.step.open()

    def __call__(self, row: Mapping[str, str]) -> dict[str, str]:
        """Make the part of a task; returns its record as JSON, or what went wrong in one line."""
        task = Task(**json.loads(row["task"]))
        try:
            record = PartRecord.made(self.step, task, self.folder)
        except LgsidError as error:
            return {"record": "", "error": str(error)}
        except Exception as error:
            return {"record": "", "error": f"{task.name}: {type(error).__name__} {' '.join(str(error).split())}"}
        return {"record": json.dumps(asdict(record)), "error": ""}


def told_by_ray(error: BaseException) -> str:
    """Return the line of an error's text that says what was raised, before Ray's own hints."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (raised or lines or [type(error).__name__])[-1]
