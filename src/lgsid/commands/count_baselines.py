"""`lgsid baselines | ctr-baselines`: recommenders that only count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.pipeline.command import AsStage, command

if TYPE_CHECKING:
    from rich.console import RenderableType

CTR_CODE = ("lgsid.recommenders.counting.click_suite:evaluate_counting_clicks", "lgsid.datamodules.ctr_data:CTRData")


@command(stage=AsStage(code=("lgsid.recommenders.counting.ranking_suite:evaluate_counting",)))
def baselines(*, dataset: str, output: str) -> RenderableType | None:
    """Evaluate all counting baselines on next-place recommendation.

    Args:
        dataset: Folder of a prepared dataset.
        output: Folder for metrics.json and the rank of every query.
    """
    from lgsid.artefacts.files import write_json
    from lgsid.artefacts.names import METRICS_FILE
    from lgsid.metrics import ranking_declarations
    from lgsid.recommenders.counting.ranking_suite import evaluate_counting
    from lgsid.report.recommender_tables import leaderboard_table
    from lgsid.report.stage_results import counted_models, ranked

    found = evaluate_counting(dataset, "test", Path(output))
    write_json(Path(output) / METRICS_FILE, found)
    return leaderboard_table(ranked(counted_models(found), ranking_declarations.PRIMARY))


@command(stage=AsStage(code=CTR_CODE))
def ctr_baselines(
    *, dataset: str, output: str, near_km: float = 5.0, candidates: str | None = None, seed: int = 0
) -> RenderableType | None:
    """Evaluate all counting baselines on click-through.

    Args:
        dataset: Folder of a prepared dataset.
        output: Folder for metrics.json, the score of every sample, and the candidates.
        near_km: Distance from the last place, in km, within which near negatives are sampled.
        candidates: Stored candidates, Parquet; sampled if none are given.
        seed: Random seed for sampling negatives.
    """
    from lgsid.artefacts.files import write_json
    from lgsid.artefacts.names import CANDIDATES_FILE, METRICS_FILE
    from lgsid.datamodules import CTRData
    from lgsid.metrics import click_declarations
    from lgsid.recommenders.counting.click_suite import evaluate_counting_clicks
    from lgsid.report.recommender_tables import click_table
    from lgsid.report.stage_results import counted_models, ranked

    data = CTRData(dataset, near_km=near_km, candidates=candidates, seed=seed)
    data.setup()
    sampled = data.candidates
    assert sampled is not None  # setup samples them
    sampled.write(Path(output) / CANDIDATES_FILE)
    found = evaluate_counting_clicks(data.dataset, sampled, "test", Path(output))
    write_json(Path(output) / METRICS_FILE, found)
    return click_table(ranked(counted_models(found), click_declarations.PRIMARY))
