"""Evaluate all counting baselines on the click-through task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lgsid.pipeline.verbs.verb import Job, Verb


class ClickBaselines(Verb):
    """The recommenders that only count, on the candidates that `CTRData` serves with the same options."""

    required = ("dataset",)
    optional = ("near_km", "candidates", "seed")
    needs_config = False
    seeded = False

    @property
    def code(self) -> tuple[str, ...]:
        """The counting suite, and what draws the candidates."""
        return (
            "lgsid.recommenders.counting.click_suite:evaluate_counting_clicks",
            "lgsid.datamodules.ctr_data:CTRData",
        )

    def run(self, job: Job) -> Mapping[str, Any]:
        """Write `metrics.json`, keys `<Name>/test/...`, the scores of every sample, and the candidates."""
        from lgsid.artefacts.files import write_json
        from lgsid.artefacts.names import CANDIDATES_FILE, METRICS_FILE
        from lgsid.datamodules import CTRData
        from lgsid.recommenders.counting.click_suite import evaluate_counting_clicks

        data = CTRData(**job.options)
        data.setup()
        drawn = data.candidates
        assert drawn is not None  # setup draws them
        drawn.write(job.folder / CANDIDATES_FILE)
        write_json(job.folder / METRICS_FILE, evaluate_counting_clicks(data.dataset, drawn, "test", job.folder))
        return dict(job.options)
