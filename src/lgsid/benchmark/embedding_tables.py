"""The tables of judged vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lgsid.benchmark.comparison import Comparison
from lgsid.benchmark.embedding_evaluation import (
    AFTER,
    BEFORE,
    BOUND,
    CONTROL,
    EmbeddingEvaluation,
)
from lgsid.metrics.metric_spec import SliceSpec
from lgsid.metrics.neighborhood_declarations import measured_neighborhoods
from lgsid.metrics.next_place_declarations import (
    CHANCE,
    CUT_OFF,
    DISTANCE,
    HELD_OUT,
    HIT,
    NEXT_PLACE,
    NEXT_PLACE_SLICES,
    ORIGINS,
    RANKINGS,
    WARM,
    with_distance,
)
from lgsid.report.report_table import NOTHING, ReportTable, number

SENTENCES = "sentences"
SENTENCE_ROWS = {
    "spearman": "Spearman with the grades",
    "retention": "the same over that before",
    "agreement": "Spearman with before",
}
NUMBER = f"{HIT.name}@{CUT_OFF}"
SHOWN_SLICES = tuple(part for part in NEXT_PLACE_SLICES if part is not WARM)  # nearly all are warm: in the file only


def tables_of(found: EmbeddingEvaluation, regions: Mapping[int, str]) -> list[ReportTable]:
    """Return the tables of an evaluation. `regions`: level from 1 -> what it is called."""
    times = (BEFORE, AFTER) if BEFORE in found.ranks else (AFTER,)
    sentences = sentence_table(found.metrics)
    return [
        next_place_table(found.metrics, times),
        differences_table(found.comparison, times),
        neighborhood_table(found.metrics, times, regions),
        *([] if sentences is None else [sentences]),
    ]


def titles(times: Sequence[str]) -> list[str]:
    """Return the headings of the columns: one set of vectors alone is neither before nor after."""
    return [""] if len(times) == 1 else [f" {when}" for when in times]


def next_place_table(metrics: Mapping[str, float], times: Sequence[str]) -> ReportTable:
    """Show Hit@k of each ranking in each slice; rankings that need no vectors are the same before and after."""
    slices = [part for part in SHOWN_SLICES if queries_key(part) in metrics]
    rows = []
    for ranking in (*RANKINGS, CHANCE):
        keys = [f"{NEXT_PLACE}/{part.key}{ranking.key}/{NUMBER}" for part in slices]
        sources = [CONTROL] * len(times) if ranking in (DISTANCE, CHANCE) else times
        rows.append((ranking.title, *(number(metrics.get(f"{when}/{key}")) for key in keys for when in sources)))
    counts = [number(metrics[queries_key(part)], 0) for part in slices]
    rows.append(("queries", *(count for count in counts for _ in times)))
    header = [f"{part.title}{title}" for part in slices for title in titles(times)]
    weights = [f"{with_distance(origin).title} {weights_text(metrics, times, origin)}" for origin in ORIGINS]
    note = (
        f"Hit@{CUT_OFF} among the places new to the user, from the last place or the mean of the history. Weights of "
        f"distance, chosen on validation: {'; '.join(weights)}."
    )
    return ReportTable("Next place", ("ranked by", *header), tuple(rows), 1, note, (len(RANKINGS) - 2,))


def queries_key(part: SliceSpec) -> str:
    """Return the name of the number of queries of a slice."""
    return f"{CONTROL}/{NEXT_PLACE}/{part.key}queries"


def weights_text(metrics: Mapping[str, float], times: Sequence[str], origin: SliceSpec) -> str:
    """Write the weights that distance has, before and after."""
    keys = [f"{when}/{NEXT_PLACE}/{with_distance(origin).key}/weight" for when in times]
    return ", ".join(f"{metrics[key]:g}" for key in keys if key in metrics)


def differences_table(comparison: Comparison, times: Sequence[str]) -> ReportTable:
    """Show the change by the alignment, and what vectors add to distance, each with its interval."""
    pairs = []
    if len(times) > 1:
        changed = [ranking for ranking in RANKINGS if ranking is not DISTANCE]
        pairs += [(f"{r.title}: change", f"{BEFORE}/{r.key}", f"{AFTER}/{r.key}") for r in changed]
    added = [with_distance(origin) for origin in ORIGINS]
    pairs += [(f"{r.title} - distance", f"{CONTROL}/{DISTANCE.key}", f"{AFTER}/{r.key}") for r in added]
    parts = [part for part in NEXT_PLACE_SLICES if part.key in ("", HELD_OUT.key)]
    rows = [
        (title, *(difference_text(comparison, part.key + NUMBER, first, second) for part in parts))
        for title, first, second in pairs
    ]
    note = f"Difference of Hit@{CUT_OFF} with its 95 % interval over users; a star where p < 0.05."
    return ReportTable("Differences", ("", *(part.title for part in parts)), tuple(rows), 1, note)


def difference_text(comparison: Comparison, key: str, first: str, second: str) -> str:
    """Write the difference of two methods, its interval, and a star if it is significant by itself."""
    found = comparison.differences.get(key, {}).get(first, {}).get(second)
    if found is None:
        return NOTHING
    mean, low, high, p, _ = found
    star = "*" if p is not None and p < 0.05 else " "
    return f"{mean:+.3f}{star}" if low is None or high is None else f"{mean:+.3f}{star} {low:+.3f} {high:+.3f}"


def neighborhood_table(metrics: Mapping[str, float], times: Sequence[str], regions: Mapping[int, str]) -> ReportTable:
    """Show the neighborhoods of all places, of those held out, and the bounds."""
    start = f"{AFTER}/"
    rows = []
    for one in measured_neighborhoods(key.removeprefix(start) for key in metrics if key.startswith(start)):
        keys = [f"{when}/{part}{one.key}" for part in ("", HELD_OUT.key) for when in times]
        values = [number(metrics.get(key), one.metric.digits) for key in [*keys, f"{BOUND}/{one.key}"]]
        rows.append((one.title(regions), *values))
    header = [f"{part}{title}" for part in ("all", HELD_OUT.title) for title in titles(times)]
    note = "The oracle and the bound (of all places) are over lists of neighbors: no vectors exceed them."
    return ReportTable("Neighborhoods", ("", *header, "bound"), tuple(rows), 1, note)


def sentence_table(metrics: Mapping[str, float]) -> ReportTable | None:
    """Show what the encoder keeps of everyday sentences; nothing if it was not asked."""
    rows = [
        (title, *(number(metrics.get(f"{when}/{SENTENCES}/{name}")) for when in (BEFORE, AFTER)))
        for name, title in SENTENCE_ROWS.items()
    ]
    known = any(f"/{SENTENCES}/" in key for key in metrics)
    return ReportTable("Everyday sentences", ("", BEFORE, AFTER), tuple(rows)) if known else None
