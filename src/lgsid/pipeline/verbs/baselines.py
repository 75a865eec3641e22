"""Evaluate all counting baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lgsid.pipeline.verbs.verb import Job, Verb


class Baselines(Verb):
    """The recommenders that only count: popularity, the user's frequency, time, transitions, distance."""

    required = ("dataset",)
    needs_config = False
    seeded = False

    @property
    def code(self) -> tuple[str, ...]:
        """The counting suite."""
        return ("lgsid.recommenders.counting.ranking_suite:evaluate_counting",)

    def run(self, job: Job) -> Mapping[str, Any]:
        """Write `metrics.json`, keys `<Name>/test/...`, and the ranks of every query."""
        from lgsid.artefacts.files import write_json
        from lgsid.artefacts.names import METRICS_FILE
        from lgsid.recommenders.counting.ranking_suite import evaluate_counting

        write_json(job.folder / METRICS_FILE, evaluate_counting(job.options["dataset"], "test", job.folder))
        return dict(job.options)
