"""What the stages of a suite will cost, from what they cost before in that suite."""

from __future__ import annotations

import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import read_json
from lgsid.artefacts.names import PROVENANCE_FILE
from lgsid.benchmark.suite import pipeline_name
from lgsid.errors import LgsidError


class Costs:
    """Seconds that the stages of a suite took, by name and dataset."""

    def __init__(self) -> None:
        self.known: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    @classmethod
    def read(cls, runs: Path, results: Path, suite: str) -> Costs:
        """Collect them from folders of runs and from result files; files that cannot be read are left out.

        Args:
            runs: Folder of the results of stages, which suites share.
            results: Folder of result files.
            suite: Name of the suite. A stage of the same name in another suite may be another model on other data.
        """
        costs = cls()
        for path in sorted(runs.glob(f"*/*/{PROVENANCE_FILE}")):
            record, dataset = quietly(path), path.parents[1].name
            if record.get("pipeline") == pipeline_name(suite, dataset):
                costs.add(str(record.get("stage")), dataset, record.get("seconds"))
        for path in sorted((results / suite).glob("*/*.json")):
            for stage, record in quietly(path).get("stages", {}).items():
                costs.add(stage, path.parent.name, record.get("seconds"))
        return costs

    def add(self, stage: str, dataset: str, seconds: object) -> None:
        """Note what a stage took."""
        if isinstance(seconds, (int, float)):
            self.known[stage, dataset].append(float(seconds))

    def seconds(self, stage: str, dataset: str) -> float | None:
        """Return the median seconds of a stage on a dataset, else on the other datasets of the suite, else `None`."""
        own = self.known.get((stage, dataset))
        if own:
            return statistics.median(own)
        others = [value for (name, _), values in self.known.items() if name == stage for value in values]
        return statistics.median(others) if others else None


def quietly(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file, empty if it cannot be read."""
    try:
        content = read_json(path)
    except LgsidError:
        return {}
    return content if isinstance(content, dict) else {}


def duration(seconds: float | None) -> str:
    """Write seconds as a person says them."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
