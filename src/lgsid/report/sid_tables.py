"""The table that compares quality cards, made from the declarations of their numbers."""

from __future__ import annotations

from collections.abc import Callable

from lgsid.metrics.card_declarations import CardMetric, card_metrics
from lgsid.plots.prefix_groups import shortened
from lgsid.report.report_table import NOTHING, ReportTable, number
from lgsid.report.stage_results import PipelineResults, TokenizerResults

FACTS: tuple[tuple[str, Callable[[TokenizerResults], str]], ...] = (
    ("tokenizer", lambda result: result.tokenizer.removesuffix("Tokenizer") or NOTHING),
    ("codes per level", lambda result: "x".join(str(size) for size in result.card.get("codebook_sizes", ()))),
    ("codes used", lambda result: "+".join(str(level["used"]) for level in result.card.get("by_level", ()))),
)


def card_table(results: PipelineResults) -> ReportTable | None:
    """Compare the quality cards of all sets of semantic IDs, controls beside the others."""
    sets = [result for result in results.tokenizers if result.card]
    if not sets:
        return None
    deepest = max(len(result.card.get("by_depth", ())) for result in sets)
    regions = {f"region_{level}": shortened(name, 20) for level, name in results.regions.items()}
    metrics = [metric for metric in card_metrics(deepest, {"category": "category", **regions}) if metric.shown.report]
    rows = [(label, *(fact(result) for result in sets)) for label, fact in FACTS]
    rows += [(metric.title, *(cell(metric, result) for result in sets)) for metric in metrics]
    kept = tuple(row for row in rows if any(text not in (NOTHING, "") for text in row[1:]))
    note = (
        "km: median between two places of a prefix (in brackets: of random groups of those sizes)."
        " AMI: mutual information of the first code above chance, 1 if equal. next visit: of the validation split, to"
        " places new to the user, those that share a prefix with the place before. branches: places whose name others"
        " have too."
    )
    return ReportTable("Semantic IDs: quality card", ("", *(result.stage for result in sets)), kept, 1, note)


def cell(metric: CardMetric, result: TokenizerResults) -> str:
    """Write a number of a card, in brackets that of random groups where there is one."""
    chance = None if metric.beside is None else metric.beside(result.card)
    beside = "" if chance is None else f" ({number(chance, metric.digits)})"
    return number(metric.value(result.card), metric.digits) + beside
