"""Will the user go there? One place that the user went to against four others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts.names import PER_SAMPLE_FILE, of_part
from lgsid.benchmark.click_scores import ClickScores
from lgsid.benchmark.comparison import REPLICATES, Comparison, compare_users
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.benchmark.tasks.task import Task
from lgsid.metrics import click_declarations as declared
from lgsid.metrics.click_declarations import PRIMARY
from lgsid.metrics.metric_spec import MetricSpec
from lgsid.metrics.slices import CLICK_SLICES


class ClickThrough(Task):
    """Tell the place that the user went to from four others, the same for all methods."""

    name = "click_through"
    title = "Click-through"
    primary = PRIMARY
    slices = CLICK_SLICES

    @property
    def metrics(self) -> tuple[MetricSpec, ...]:
        """The metrics of the click-through task."""
        return declared.CLICK_METRICS

    def per_user_file(self, part: str) -> str | None:
        """Scores of every sample."""
        return of_part(PER_SAMPLE_FILE, part)

    def compare(
        self,
        cells: Mapping[str, Sequence[Mapping[str, Any]]],
        files: Mapping[str, Sequence[Path]],
        dataset: Path,
        replicates: int = REPLICATES,
    ) -> Comparison:
        """Bootstrap over users."""
        slices = QuerySlices.of(dataset)
        scores = {
            name: [
                ClickScores.read(path, slices.is_new(path), logits="logloss" in cell["metrics"])
                for path, cell in zip(paths, cells[name], strict=True)
            ]
            for name, paths in files.items()
        }
        return compare_users(scores, replicates)
