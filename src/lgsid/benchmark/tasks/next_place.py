"""Where will the user go next? Ranking of all places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts.names import PER_QUERY_FILE, of_part
from lgsid.benchmark.comparison import REPLICATES, Comparison, compare_users
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.benchmark.ranking_scores import RankingScores
from lgsid.benchmark.tasks.task import Task
from lgsid.metrics.metric_spec import MetricSpec
from lgsid.metrics.ranking_declarations import PRIMARY, ranking_metrics
from lgsid.metrics.slices import ranking_slices

SIDS = "data.init_args.sids"  # the setting of a stage that reads semantic IDs


class NextPlace(Task):
    """Rank all places for every test query. Item-level, ties broken against the model (`docs/evaluation.md`)."""

    name = "next_place"
    title = "Next place"
    primary = PRIMARY
    slices = ranking_slices()

    def needs_reference(self, settings: Collection[str]) -> bool:
        """Plain IDs and random codes are the controls of semantic IDs: a suite that reads none has nothing to copy."""
        return SIDS in settings

    @property
    def metrics(self) -> tuple[MetricSpec, ...]:
        """The ranking metrics."""
        return ranking_metrics()

    def per_user_file(self, part: str) -> str | None:
        """Ranks of every query."""
        return of_part(PER_QUERY_FILE, part)

    def compare(
        self,
        cells: Mapping[str, Sequence[Mapping[str, Any]]],
        files: Mapping[str, Sequence[Path]],
        dataset: Path,
        replicates: int = REPLICATES,
    ) -> Comparison:
        """Bootstrap over users."""
        slices = QuerySlices.of(dataset)
        return compare_users(
            {m: [RankingScores.read(p, slices.masks(p)) for p in ps] for m, ps in files.items()}, replicates
        )
