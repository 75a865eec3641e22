"""Run the stages of many cells: each once, resumable, and shared with whoever else runs the same suite."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lgsid.artefacts.locks import try_lock
from lgsid.artefacts.names import STAGE_FILE
from lgsid.benchmark.cell import Cell
from lgsid.benchmark.estimate import Costs, duration
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.preflight import check_options
from lgsid.pipeline.run_folder import check_result_folder, recover, result_lock
from lgsid.pipeline.runner import Runner, State, keep_times

WAIT_S = 2.0


@dataclass(frozen=True)
class Step:
    """One stage to run, for all cells that need it.

    Args:
        pipeline: A recipe that holds it.
        stage: Its name there.
    """

    pipeline: Pipeline
    stage: str

    @property
    def folder(self) -> Path:
        """Where its result goes; steps with one folder are the same."""
        return self.pipeline.folder(self.stage)

    @property
    def needs(self) -> list[Path]:
        """Folders of the results that it reads."""
        return [self.pipeline.folder(name) for name in self.pipeline.stages[self.stage].needs]

    @property
    def label(self) -> str:
        """What progress calls it."""
        return f"{self.pipeline.run_folder.name} {self.folder.name.rpartition('.')[0]}"

    def state(self, verify: bool = False) -> State:
        """Say whether it has to run. What it needs must be there.

        Args:
            verify: Read every file of its result, see `Runner`.
        """
        return Runner(self.pipeline, verify=verify).state(self.pipeline.stages[self.stage])


class Scheduler:
    """Runs stages, whichever is ready and not taken by another process.

    Several processes, also on several machines with one disk, may run the same suite: each stage is locked while it
    runs, and the others take what is left.

    Args:
        cells: The cells that are wanted, in the order in which to work.
        costs: What stages took before.
        finished: Called with every cell when all its stages are up to date.
        tell: Called with one line per stage.
        verify: Read every file of earlier results, see `Runner`.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        costs: Costs,
        finished: Callable[[Cell], None],
        tell: Callable[[str], None],
        verify: bool = False,
    ) -> None:
        self.cells, self.costs, self.finished, self.tell = list(cells), costs, finished, tell
        self.verify = verify
        self.steps = steps_of(cells)
        self.done: set[Path] = set()
        self.told: set[str] = set()

    def run(self) -> None:
        """Run what is not up to date, until every cell is complete.

        Raises:
            LgsidError: if a stage fails on bad input, or its folder holds files that no run made.
        """
        for step in self.steps:
            check_result_folder(step.folder)
        self.finish_cells()
        while waiting := [step for step in self.steps if step.folder not in self.done]:
            ready = (step for step in waiting if all(folder in self.done for folder in step.needs))
            if not any(self.attempt(step) for step in ready):
                time.sleep(WAIT_S)  # another process has all that is ready

    def attempt(self, step: Step) -> bool:
        """Run a stage unless another process does; tell whether it is complete now."""
        with try_lock(result_lock(step.folder)) as free:
            if not free:
                return False
            recover(step.folder)
            state = step.state(self.verify)
            keep_times(state)
            if state.reason:
                self.tell(f"{self.progress()} {step.label}: {state.reason}{self.expected(step)}")
                seconds = Runner(step.pipeline).run_stage(state)
                self.costs.add(step.stage, step.pipeline.run_folder.name, seconds)
                self.tell(f"{self.progress()} {step.label}: done in {duration(seconds)}")
        self.done.add(step.folder)
        self.finish_cells()
        return True

    def finish_cells(self) -> None:
        """Hand over the cells whose stages are all up to date now."""
        for cell in self.cells:
            if cell.name not in self.told and all(cell.pipeline.folder(name) in self.done for name in cell.stages()):
                self.told.add(cell.name)
                self.finished(cell)

    def progress(self) -> str:
        """Return how many stages are complete."""
        width = len(str(len(self.steps)))
        return f"[{len(self.done) + 1:{width}}/{len(self.steps)}]"

    def expected(self, step: Step) -> str:
        """Say how long a stage and all that is left may take, as far as known."""
        own = self.costs.seconds(step.stage, step.pipeline.run_folder.name)
        left = [t for t in self.steps if t.folder not in self.done]
        known = [self.costs.seconds(t.stage, t.pipeline.run_folder.name) for t in left if not is_complete(t)]
        total = sum(seconds for seconds in known if seconds is not None)
        unknown = sum(seconds is None for seconds in known)
        if own is None and not total:
            return ""
        parts = [f"about {duration(own)}"] if own is not None else []
        parts.append(f"{duration(total)} left" + (f" and {unknown} not known" if unknown else ""))
        return f" ({', '.join(parts)})"


def steps_of(cells: Sequence[Cell]) -> list[Step]:
    """Return the stages that cells need, each once, those of the first cells first."""
    found: dict[Path, Step] = {}
    for cell in cells:
        for name in cell.stages():
            found.setdefault(cell.pipeline.folder(name), Step(cell.pipeline, name))
    return list(found.values())


def check_steps(steps: Sequence[Step]) -> None:
    """Refuse options that a command would refuse when its turn comes; stages that differ in their paths only once.

    Raises:
        LgsidError: naming the first such stage and key.
    """
    seen: set[str] = set()
    for step in steps:
        stage = step.pipeline.stages[step.stage]
        key = repr((stage.commands, stage.configs, stage.options))
        if key not in seen:
            seen.add(key)
            check_options(step.pipeline, [stage])


def is_complete(step: Step) -> bool:
    """Tell whether a stage has a result, which may be out of date."""
    return (step.folder / STAGE_FILE).is_file()


def planned(steps: Sequence[Step], verify: bool = False) -> list[tuple[Step, str]]:
    """Return every stage with the reason why it would run, empty if it is up to date.

    Args:
        steps: The stages.
        verify: Read every file of earlier results, see `Runner`.
    """
    plan: list[tuple[Step, str]] = []
    stale: set[Path] = set()
    for step in steps:
        waiting = any(folder in stale or not (folder / STAGE_FILE).is_file() for folder in step.needs)
        reason = ("not yet run" if not is_complete(step) else "after another") if waiting else step.state(verify).reason
        if reason:
            stale.add(step.folder)
        plan.append((step, reason))
    return plan
