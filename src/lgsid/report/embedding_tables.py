"""The tables of the alignment and of the rewards, made from the declarations of the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lgsid.metrics import neighborhood_declarations, reward_declarations
from lgsid.metrics.metric_spec import SliceSpec, columns, legend, uncapitalized
from lgsid.metrics.neighborhood_declarations import COVERAGE, PURITY, MeasuredNeighborhood, measured_neighborhoods
from lgsid.metrics.next_place_declarations import CUT_OFF, HIT, NEXT_PLACE, RANKINGS
from lgsid.report.report_table import ReportTable, number
from lgsid.report.stage_results import HELDOUT, PipelineResults, StageResults
from lgsid.text.prompt_variants import PROMPT_VARIANTS

WHEN = ("before", "after")
READS = "reads/"


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
    rows += retrieval_rows(stage)
    words = [
        f"{metric.name}: {uncapitalized(metric.help)}"
        for metric in neighborhood_declarations.NEIGHBORHOOD_METRICS
        if metric.explain
    ]
    return ReportTable("Alignment", ("", *WHEN), tuple(rows), 1, " ".join(words))


def retrieval_rows(stage: StageResults) -> list[tuple[str, ...]]:
    """Show next-place retrieval on the validation split; nothing where it was not measured."""
    rows = []
    for ranking in RANKINGS:
        key = f"{NEXT_PLACE}/{ranking.key}/{HIT.name}@{CUT_OFF}"
        values = [stage.metrics.get(f"val/{when}{key}") for when in ("reference/", "")]
        if any(value is not None for value in values):
            rows.append((f"next place by {ranking.title}, {HIT.title}@{CUT_OFF}", *(number(value) for value in values)))
    return rows


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
    """Show, for each kind of lists, the reward beside the frozen cosine, nearness and chance."""
    note = "Lists of held-out places, true location left out."
    return lists_table(
        "Reward", note, ("stage", "lists"), measured_lists(results, HELDOUT), reward_declarations.SCORE_KINDS
    )


def reads_table(results: PipelineResults) -> ReportTable | None:
    """Show what the reward and the frozen cosine read: the same lists with parts of the prompts taken away."""
    found = measured_lists(results, READS)
    order = [variant.key for variant in PROMPT_VARIANTS]
    titles = {variant.key: variant.title for variant in PROMPT_VARIANTS}
    ranked = sorted(found, key=lambda names: (names[0], names[2], order.index(names[1]) if names[1] in order else -1))
    named = {
        (stage, kind, titles.get(variant, variant)): found[stage, variant, kind] for stage, variant, kind in ranked
    }
    note = (
        "The reward scores the same lists of held-out places again with parts of all prompts taken away: "
        "what it loses, it had read there."
    )
    kinds = (reward_declarations.REWARD, reward_declarations.COSINE)
    return lists_table("What the reward reads", note, ("stage", "lists", "prompts"), named, kinds)


def measured_lists(results: PipelineResults, start: str) -> dict[tuple[str, ...], dict[str, float]]:
    """Return the metrics of lists by stage and by what stands between `start` and the metric in a key."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for stage in results.rewards:
        for key, value in sorted(stage.metrics.items()):
            if key.startswith(start):
                *names, name = key.removeprefix(start).split("/")
                found.setdefault((stage.name, *names), {})[name] = value
    return found


def lists_table(
    title: str,
    note: str,
    words: tuple[str, ...],
    found: Mapping[Any, Mapping[str, float]],
    kinds: Sequence[SliceSpec],
) -> ReportTable | None:
    """Show metrics of lists.

    Args:
        title: Title of the table.
        note: What stands before the explanations of the columns.
        words: Headings of the names.
        found: Names -> metrics; none, no table.
        kinds: What is scored.
    """
    declared = columns(reward_declarations.LIST_METRICS, kinds, "report")
    shown = [column for column in declared if any(column.key in values for values in found.values())]
    if not shown:
        return None
    rows = tuple(
        (*names, *(number(values.get(column.key), column.metric.digits) for column in shown))
        for names, values in found.items()
    )
    header = (*words, *(column.short_title for column in shown))
    return ReportTable(title, header, rows, len(words), f"{note} {legend(shown)}")
