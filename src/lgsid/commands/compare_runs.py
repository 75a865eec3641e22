"""`lgsid compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lgsid.pipeline.command import command

if TYPE_CHECKING:
    from rich.console import RenderableType


@command()
def compare(run_a: str, run_b: str, *, all_: bool = False) -> RenderableType:
    """Print what changed between two runs: settings, code, and metrics with paired intervals.

    Args:
        run_a: Folder of a run (runs/demo), or of one of its stages or of a training.
        run_b: The other, on the same data.
        all_: Show all metrics of stages that have no result for each user, not the first twenty that differ.

    Raises:
        LgsidError: if one is no run, or they are of different data.
    """
    from lgsid.benchmark.run_comparison import RunComparison

    return RunComparison.read(run_a, run_b, all_)
