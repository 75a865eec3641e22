"""The tables of a report, made from what the stages left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from lgsid.pipeline.report_table import ReportTable
from lgsid.pipeline.stage_results import PipelineResults, StageResults, TokenizerResults
from lgsid.plots import ModelScores
from lgsid.plots.prefix_groups import shortened

NOTHING = "-"
LEADERBOARD_COLUMNS = (
    ("Hit@1", "test/hit@1"),
    ("Hit@10", "test/hit@10"),
    ("MRR@10", "test/mrr@10"),
    ("revisit MRR@10", "test/revisit/mrr@10"),
    ("new Hit@10", "test/new/hit@10"),
    ("new MRR@10", "test/new/mrr@10"),
    ("explore MRR@10", "test/explore/mrr@10"),
)
BEYOND_COLUMNS = (
    ("NDCG@10", "test/ndcg@10", 3),
    ("km@10", "test/km@10", 1),
    ("unreachable@10", "test/unreachable@10", 3),
    ("catalogue coverage@10", "test/catalogue_coverage@10", 3),
)
CTR_COLUMNS = (
    ("AUC", "test/auc"),
    ("GAUC", "test/gauc"),
    ("near AUC", "test/near_auc"),
    ("new AUC", "test/new/auc"),
    ("logloss", "test/logloss"),
)


def number(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """Write a share as a percentage."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def leaderboard_table(results: PipelineResults) -> ReportTable | None:
    """Compare all recommenders, also those that lose, over all queries and by slice."""
    models = results.recommenders
    if not models:
        return None
    columns = [(name, key) for name, key in LEADERBOARD_COLUMNS if measured(models, key)]
    rows = tuple((model.name, *(number(model.value(key)) for _, key in columns)) for model in models)
    note = "Item-level, full ranking, test. new, revisit: by whether the user has been to the place before."
    if measured(models, "test/explore/mrr@10"):
        note += " explore: new places, ranked among those new to the user."
    return ReportTable("Leaderboard", ("model", *(name for name, _ in columns)), rows, 1, note)


def beyond_table(results: PipelineResults) -> ReportTable | None:
    """Say what models are made of, and what they show beyond hits."""
    models = results.recommenders
    if not models:
        return None
    columns = [column for column in BEYOND_COLUMNS if measured(models, column[1])]
    rows = tuple(
        (m.name, m.model or NOTHING, m.sids or NOTHING, *(number(m.value(key), digits) for _, key, digits in columns))
        for m in models
    )
    note = "km from the user's last place to the ten shown; unreachable: more than 10 km away."
    return ReportTable("Beyond accuracy", ("model", "class", "SIDs", *(c[0] for c in columns)), rows, 3, note)


def click_table(results: PipelineResults) -> ReportTable | None:
    """Compare the models of the click-through task."""
    models = results.click_models
    if not models:
        return None
    columns = [(name, key) for name, key in CTR_COLUMNS if measured(models, key)]
    rows = tuple((m.name, m.sids or NOTHING, *(number(m.value(key), 4) for _, key in columns)) for m in models)
    note = "One positive, four negatives. near: negatives within 5 km of the user's last place only."
    return ReportTable("Click-through", ("model", "SIDs", *(name for name, _ in columns)), rows, 2, note)


def measured(models: Sequence[ModelScores], metric: str) -> bool:
    """Tell whether any model has a metric."""
    return any(metric in model.metrics for model in models)


def card_table(results: PipelineResults) -> ReportTable | None:
    """Compare the quality cards of all sets of semantic IDs, controls beside the others."""
    sets = [result for result in results.tokenizers if result.card]
    if not sets:
        return None
    lines: list[tuple[str, Callable[[TokenizerResults], str]]] = [
        ("tokenizer", lambda r: r.tokenizer.removesuffix("Tokenizer") or NOTHING),
        ("codes per level", lambda r: "x".join(str(size) for size in r.card.get("codebook_sizes", ()))),
        ("codes used", lambda r: "+".join(str(level["used"]) for level in r.card.get("by_level", ()))),
        (
            "colliding items, raw",
            lambda r: percent((r.card.get("before_resolution") or {}).get("collision_rate")),
        ),
        ("colliding items, resolved", lambda r: percent(r.card.get("collision_rate"))),
        ("distinct SIDs / items", lambda r: number(r.card.get("distinct_share"))),
        ("entropy / possible", lambda r: number(r.card.get("joint_entropy_normalised"))),
    ]
    deepest = max(len(result.card.get("by_depth", ())) for result in sets)
    lines += [(f"km in a prefix of {codes_words(depth)}", partial(km_cell, depth)) for depth in range(1, deepest + 1)]
    regions = {f"region_{level + 1}": name for level, name in enumerate(region_names(results))}
    for column, name in {"category": "category", **regions}.items():
        lines.append((f"NMI, {shortened(name, 20)}", partial(nmi_cell, column)))
    lines.append(("branches told apart", lambda r: percent(branches_apart(r.card))))
    rows = tuple((label, *(cell(result) for result in sets)) for label, cell in lines)
    kept = tuple(row for row in rows if any(cell not in (NOTHING, "") for cell in row[1:]))
    note = (
        "km: median between two places (in brackets: random groups of those sizes). NMI: of the first code."
        " branches: places whose name others have too."
    )
    return ReportTable("Semantic IDs: quality card", ("", *(r.stage for r in sets)), kept, 1, note)


def depth_row(card: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
    """Return what a card says of the prefixes of some depth, empty where it says nothing."""
    return next((dict(row) for row in card.get("by_depth", ()) if row.get("depth") == depth), {})


def codes_words(depth: int) -> str:
    """Write how many codes a prefix has."""
    return "1 code" if depth == 1 else f"{depth} codes"


def km_cell(depth: int, result: TokenizerResults) -> str:
    """Write the median km in a prefix, with that of random groups in brackets."""
    row = depth_row(result.card, depth)
    near, far = row.get("km"), row.get("km_random")
    return f"{kilometres(near['p50'])} ({kilometres(far['p50'], 2)})" if near and far else NOTHING


def kilometres(km: float, digits: int = 3) -> str:
    """Write a distance under 100 km with that many digits that count."""
    return number(km, digits - 1 if km < 10 else digits - 2)


def nmi_cell(column: str, result: TokenizerResults) -> str:
    """Write the mutual information of the first code with an attribute."""
    return number((depth_row(result.card, 1).get("nmi") or {}).get(column))


def branches_apart(card: Mapping[str, Any]) -> float | None:
    """Return the share of same-name items that share their full semantic ID with no other branch."""
    named = depth_row(card, len(card.get("by_depth", ()))).get("same_name")
    return float(named["branches"]) if named else None


def alignment_table(results: PipelineResults) -> ReportTable | None:
    """Compare the vectors before and after the alignment."""
    stage = results.alignment
    if stage is None:
        return None
    names = {f"region_{level + 1}": name for level, name in enumerate(region_names(results))}
    keys = sorted({key.partition("/")[2] for key in stage.metrics if key.startswith(("before/", "after/"))})
    rows = [
        (alignment_words(key, names), *(number(stage.metrics.get(f"{when}/{key}")) for when in ("before", "after")))
        for key in sorted(keys, key=alignment_order)
    ]
    total = [coverage_and_purity(stage, when) for when in ("before", "after")]
    if all(value is not None for value in total):
        rows.append(("coverage of the finest level + purity", *(number(value) for value in total)))
    note = "coverage, purity: share of the nearest vectors with the same region, category."
    return ReportTable("Alignment", ("", "before", "after"), tuple(rows), 1, note)


def alignment_words(key: str, regions: Mapping[str, str]) -> str:
    """Say what a metric of the alignment is: `coverage@5/region_2` is `coverage@5, neighbourhood`."""
    name, slash, level = key.partition("/")
    words = {"median_km": "median km", "effective_rank": "effective rank", "cosine_to_reference": "cosine to before"}
    for short, long in words.items():
        name = name.replace(short, long)
    return f"{name}, {regions.get(level, level)}" if slash else name


def alignment_order(key: str) -> tuple[int, str]:
    """Sort coverage first, coarse to fine, then purity, then the rest."""
    order = ("coverage", "purity", "median_km")
    return next((n for n, start in enumerate(order) if key.startswith(start)), len(order)), key


def coverage_and_purity(stage: StageResults, when: str) -> float | None:
    """Return coverage of the finest region level plus purity."""
    coverage = [key for key in stage.metrics if key.startswith(f"{when}/coverage@")]
    purity = [key for key in stage.metrics if key.startswith(f"{when}/purity@")]
    if not coverage or not purity:
        return None
    finest = max(coverage, key=lambda key: int(key.rpartition("_")[2]) if key.rpartition("_")[2].isdigit() else 0)
    return stage.metrics[finest] + stage.metrics[purity[0]]


def region_names(results: PipelineResults) -> list[str]:
    """Return what the region levels are called, coarse to fine."""
    return [] if results.dataset is None else results.dataset.region_names


def stage_table(results: PipelineResults) -> ReportTable | None:
    """List what each stage took."""
    rows = [(s.name, s.seconds, s.peak_memory_mb) for s in results.stages]
    if not any(seconds is not None for _, seconds, _ in rows):
        return None
    cells = [(name, number(seconds, 1), number(memory, 0)) for name, seconds, memory in rows]
    total = sum(seconds for _, seconds, _ in rows if seconds is not None)
    cells.append(("all", number(total, 1), number(max((m for _, _, m in rows if m is not None), default=None), 0)))
    return ReportTable("Stages", ("stage", "seconds", "peak MB"), tuple(cells), breaks=(len(rows) - 1,))
