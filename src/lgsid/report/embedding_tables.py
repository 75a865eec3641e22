"""The tables of the alignment and of the rewards, made from the declarations of the metrics."""

from __future__ import annotations

from collections.abc import Sequence

from lgsid.metrics import neighborhood_declarations, reward_declarations
from lgsid.metrics.metric_spec import columns, legend, uncapitalized
from lgsid.metrics.neighborhood_declarations import COVERAGE, PURITY, MeasuredNeighborhood, measured_neighborhoods
from lgsid.report.report_table import ReportTable, number
from lgsid.report.stage_results import HELDOUT, PipelineResults, StageResults

WHEN = ("before", "after")


def alignment_table(results: PipelineResults) -> ReportTable | None:
    """Compare the vectors before and after the alignment."""
    stage = results.alignment
    if stage is None:
        return None
    regions = results.regions
    rows = [
        (one.title(regions), *(number(stage.metrics.get(f"{when}/{one.key}"), one.metric.digits) for when in WHEN))
        for one in neighborhoods_of(stage)
    ]
    total = [coverage_and_purity(stage, when) for when in WHEN]
    if all(value is not None for value in total):
        rows.append(("coverage of the finest level + purity", *(number(value) for value in total)))
    words = [
        f"{metric.name}: {uncapitalized(metric.help)}"
        for metric in neighborhood_declarations.NEIGHBORHOOD_METRICS
        if metric.explain
    ]
    return ReportTable("Alignment", ("", *WHEN), tuple(rows), 1, " ".join(words))


def neighborhoods_of(stage: StageResults, *when: str) -> list[MeasuredNeighborhood]:
    """Return what a stage measured at one of the given times, or at any if none is given."""
    starts = tuple(f"{name}/" for name in when or WHEN)
    return measured_neighborhoods(key.partition("/")[2] for key in stage.metrics if key.startswith(starts))


def at_main_k(found: Sequence[MeasuredNeighborhood]) -> list[MeasuredNeighborhood]:
    """Return what was measured with the number of neighbors that all metrics have."""
    main = [one.k for one in found if one.k and not one.metric.every_k]
    return [one for one in found if not main or one.k in (0, main[0])]


def coverage_and_purity(stage: StageResults, when: str) -> float | None:
    """Return coverage of the finest region level plus purity."""
    found = neighborhoods_of(stage, when)
    parts = [[one for one in at_main_k(found) if one.metric.name == name] for name in (COVERAGE, PURITY)]
    return sum(stage.metrics[f"{when}/{part[-1].key}"] for part in parts) if all(parts) else None


def reward_table(results: PipelineResults) -> ReportTable | None:
    """Show, for each kind of prompts, the reward beside the frozen cosine and chance."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for stage in results.rewards:
        for key, value in sorted(stage.metrics.items()):
            kind, slash, name = key.removeprefix(HELDOUT).partition("/")
            if key.startswith(HELDOUT) and slash:
                found.setdefault((stage.name, kind), {})[name] = value
    declared = columns(reward_declarations.LIST_METRICS, reward_declarations.SCORE_KINDS, "report")
    shown = [column for column in declared if any(column.key in values for values in found.values())]
    if not shown:
        return None
    rows = tuple(
        (*names, *(number(values.get(column.key), column.metric.digits) for column in shown))
        for names, values in found.items()
    )
    note = f"Held-out places, true location left out. {legend(shown)}"
    return ReportTable("Reward", ("stage", "prompts", *(column.short_title for column in shown)), rows, 2, note)
