"""`lgsid baselines | ctr-baselines`: recommenders that only count."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsid.errors import LgsidError
from lgsid.pipeline.command import AsStage, command
from lgsid.plugins import load_kind, suggestion

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lgsid.datamodules import NegativeSampler
    from lgsid.recommenders import CountingRecommender

CTR_CODE = (
    "lgsid.recommenders.counting.click_suite:evaluate_counting_clicks",
    "lgsid.datamodules.negatives:MatchedNegatives",
)


def counting_named(names: Sequence[str]) -> list[CountingRecommender]:
    """Return counting recommenders by the names of their classes, with their default arguments.

    Raises:
        LgsidError: if no installed package has one of that name, or it is no counting recommender.
    """
    from lgsid.recommenders import CountingRecommender

    known = {n: c for n, c in load_kind("recommenders").items() if issubclass(c, CountingRecommender)} if names else {}
    for name in names:
        if name not in known:
            raise LgsidError(f"also: unknown counting recommender {name!r}; {suggestion(name, known)}")
    return [known[name]() for name in names]


def check_counting(also: Sequence[str] = (), **options: Any) -> None:
    """Refuse a counting recommender that is not installed."""
    counting_named(also)


@command(stage=AsStage(code=("lgsid.recommenders.counting.ranking_suite:evaluate_counting",), check=check_counting))
def baselines(*, dataset: str, output: str, also: Sequence[str] = ()) -> RenderableType | None:
    """Evaluate all counting baselines on next-place recommendation.

    Args:
        dataset: Folder of a prepared dataset.
        output: Folder for metrics.json and the rank of every query.
        also: Class of a further counting recommender, also of a plugin; may be repeated.
    """
    from lgsid.artefacts.files import write_json
    from lgsid.artefacts.names import METRICS_FILE
    from lgsid.metrics import ranking_declarations
    from lgsid.recommenders.counting.ranking_suite import BASELINES, evaluate_counting
    from lgsid.report.recommender_tables import leaderboard_table
    from lgsid.report.stage_results import counted_models, ranked

    models = [*(cls() for cls in BASELINES), *counting_named(also)]
    found = evaluate_counting(dataset, "test", Path(output), models)
    write_json(Path(output) / METRICS_FILE, found)
    return leaderboard_table(ranked(counted_models(found), ranking_declarations.PRIMARY))


def sampler_named(name: str) -> NegativeSampler:
    """Return a sampler of negatives by the name of its class.

    Raises:
        LgsidError: if no installed package has it.
    """
    known = load_kind("negative_samplers")
    if name not in known:
        raise LgsidError(f"negatives: unknown class {name!r}; {suggestion(name, known)}")
    sampler: NegativeSampler = known[name]()
    return sampler


def check_clicks(negatives: str = "MatchedNegatives", **options: Any) -> None:
    """Refuse a sampler of negatives that is not installed."""
    sampler_named(negatives)


@command(stage=AsStage(code=CTR_CODE, check=check_clicks))
def ctr_baselines(
    *,
    dataset: str,
    output: str,
    negatives: str = "MatchedNegatives",
    candidates: str | None = None,
    seed: int = 0,
) -> RenderableType | None:
    """Evaluate all counting baselines on click-through.

    Args:
        dataset: Folder of a prepared dataset.
        output: Folder for metrics.json, the score of every sample, and the candidates.
        negatives: Class that draws the negatives, with its default arguments.
        candidates: Stored candidates, Parquet, however they were drawn; drawn if none are given.
        seed: Random seed for drawing negatives.
    """
    from lgsid.artefacts import Dataset
    from lgsid.artefacts.check_in_log import CheckInLog
    from lgsid.artefacts.files import write_json
    from lgsid.artefacts.names import CANDIDATES_FILE, METRICS_FILE
    from lgsid.datamodules import CTRCandidates
    from lgsid.metrics import click_declarations
    from lgsid.recommenders.counting.click_suite import evaluate_counting_clicks
    from lgsid.report.recommender_tables import click_table
    from lgsid.report.stage_results import counted_models, ranked

    data = Dataset.read(dataset)
    if candidates is None:
        drawn = CTRCandidates.draw(CheckInLog.of(data), data.items, sampler_named(negatives), seed, data.data_hash)
    else:
        drawn = CTRCandidates.read(candidates)
        drawn.check_data(data.data_hash, len(data.items), candidates)
    drawn.write(Path(output) / CANDIDATES_FILE)
    found = evaluate_counting_clicks(data, drawn, "test", Path(output))
    write_json(Path(output) / METRICS_FILE, found)
    return click_table(ranked(counted_models(found), click_declarations.PRIMARY))
