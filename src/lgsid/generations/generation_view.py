"""What commands say of generations: lines and tables for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lgsid.generations.capacity import capacity_of
from lgsid.generations.delta import APPENDED, RETURNED
from lgsid.generations.generation import Generation
from lgsid.generations.outcome import Outcome

EXAMPLES = 5


def render_outcome(outcome: Outcome) -> RenderableType:
    """Return what came of an update: a line on the generation, what changed, and how full it is now."""
    change = outcome.change
    parts: list[RenderableType] = [Text(line) for line in outcome_lines(outcome)]
    told = change.told
    if told.get("staleness"):
        parts += [Text(), *staleness_parts(told["staleness"])]
    if told.get("churn"):
        parts += [Text(), churn_table(told["churn"])]
    if change.is_new:
        full = capacity_of(change.register) if outcome.written is None else outcome.written.capacity
        parts += [Text(), capacity_table(full)]
    if len(change.delta):
        parts += [Text(), example_table(change.delta.table.slice(0, EXAMPLES).to_pylist(), len(change.delta))]
    return Group(*parts)


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """Yield the lines of an outcome."""
    change, before = outcome.change, outcome.before
    if outcome.written is not None:
        made = outcome.written.manifest
        origin = "" if made.parent is None else f", from {made.parent}"
        yield f"generation {made.generation}{origin}: {outcome.written.folder}"
    elif before is not None:
        head = "nothing was written" if change.is_new else "nothing changes"
        yield f"{head}; generation {before.number} stays the current one"
    if len(change.delta):
        yield ", ".join(f"{count:,} {kind}" for kind, count in change.delta.counts.items())
    yield from told_lines(change.told)
    if before is not None and change.register.codebook_sizes != before.register.codebook_sizes:
        yield (
            f"codebooks: {shape(before.register.codebook_sizes)} codes before,"
            f" {shape(change.register.codebook_sizes)} now; a model of the old sizes has no vector for the new codes"
        )


def told_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield what else an update has to say."""
    if told.get("published"):
        yield f"{told['published']:,} are published and open already, and stay as they are"
    if told.get("other"):
        yield f"{told['other']:,} have another position or text in the table; `lgsid sids move` takes it"
    if any(told.get("displaced", ())):
        shares = ", ".join(f"{count:,} from level {level}" for level, count in enumerate(told["displaced"], 1) if count)
        yield f"another code than the nearest, since that was taken: {shares}"
    if told.get("retired_before"):
        yield f"{told['retired_before']:,} were retired before"
    if told.get("same"):
        yield f"{told['same']:,} are where and what they were"
    if "staleness" in told and told["staleness"] is None:
        yield "whose semantic ID is out of date is not known: give --embeddings, and a root with a tokenizer"
    if told.get("others"):
        yield f"{told['others']:,} places of the semantic IDs are not published, and were left out"


def staleness_parts(found: Mapping[str, Any]) -> list[RenderableType]:
    """Return which semantic IDs are out of date, by the first level that would change."""
    stale = sum(row["places"] for row in found["by_level"])
    head = Text(f"out of date: {stale:,} of {found['places']:,} places would get another semantic ID now")
    if not stale:
        return [head]
    table = table_of("from level", "places", "of them moved", "km, mean", "km, most")
    for level, row in enumerate(found["by_level"], 1):
        table.add_row(
            str(level), f"{row['places']:,}", f"{row['moved']:,}", number(row["km_mean"]), number(row["km_max"])
        )
    shown = table_of("place", "published", "now", "km", left=1)
    for row in found["examples"][:EXAMPLES]:
        shown.add_row(str(row["item_id"]), sid(row["published"]), sid(row["fresh"]), number(row["km"]))
    return [head, table, shown]


def churn_table(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return how much changed by level, one row for each labeling."""
    levels = len(next(iter(rows.values()))["prefix"])
    table = table_of(
        "changed, % of places", *(f"level {level}" for level in range(1, levels + 1)), "semantic ID", left=1
    )
    for name, row in rows.items():
        whole = row["prefix"][-1] if row["levels"][0] == row["levels"][1] else 1.0
        table.add_row(name, *(percent(value) for value in row["prefix"]), percent(whole))
    return table


def capacity_table(found: Mapping[str, Any]) -> Table:
    """Return how full the tree of semantic IDs is."""
    places, slots = found["places"], found["slots"]
    title = (
        f"{places['published']:,} places, {places['open']:,} open; {slots['given']:,} semantic IDs given,"
        f" {slots['free']:,} free"
    )
    table = table_of("codes", "prefixes", "of", "room each", "fullest", "full", "share it")
    table.title, table.title_justify = title, "left"
    for depth, row in enumerate(found["by_depth"], 1):
        cells = (row[name] for name in ("used", "possible", "room", "fullest", "full", "sharing"))
        table.add_row(str(depth), *(f"{cell:,}" for cell in cells))
    return table


def example_table(rows: Sequence[Mapping[str, Any]], count: int) -> Table:
    """Return a few places that changed."""
    table = table_of("place", "change", "semantic ID", "before", "km", left=2)
    table.title, table.title_justify = f"the first {len(rows)} of {count:,}" if count > len(rows) else "", "left"
    for row in rows:
        before = "" if row["kind"] in (APPENDED, RETURNED) or row["old_sid"] == row["new_sid"] else sid(row["old_sid"])
        table.add_row(str(row["item_id"]), row["kind"], sid(row["new_sid"]), before, number(row["km"]))
    return table


def render_difference(found: Mapping[str, Any]) -> RenderableType:
    """Return what changed between two generations."""
    places = {kind: count for kind, count in found["places"].items() if count}
    lines = [
        f"generation {found['old']} to {found['new']}",
        ", ".join(f"{count:,} {kind}" for kind, count in places.items()),
    ]
    if found["km_mean"] is not None:
        lines.append(f"moved by {number(found['km_mean'])} km on average, {number(found['km_max'])} km at most")
    if not found["rows_kept"]:
        lines.append("places of both have other rows: models that know places by their row do not fit both")
    churn = {f"{found['churn']['places']:,} places of both": found["churn"]}
    return Group(*map(Text, lines), Text(), churn_table(churn), Text(), capacity_table(found["capacity"]["new"]))


def render_status(generation: Generation, is_current: bool) -> RenderableType:
    """Return what a generation is, and how full."""
    made = generation.manifest
    origin = "the first one" if made.parent is None else f"from {made.parent}"
    lines = [
        f"generation {made.generation}, {origin}, by {made.command}{'' if is_current else ', not the current one'}",
        f"tokenizer: {'none' if made.tokenizer is None else made.tokenizer.checkpoint}",
    ]
    return Group(*map(Text, lines), Text(), capacity_table(generation.capacity))


def list_table(generations: Sequence[Generation], current: int | None) -> Table:
    """Return all generations, one row each."""
    table = table_of(" ", "generation", "from", "by", "places", "open", "changed", left=1)
    for one in generations:
        counts = one.manifest.counts
        changed = ", ".join(f"{count:,} {kind}" for kind, count in one.manifest.changed.items())
        table.add_row(
            *(
                "*" if one.number == current else "",
                str(one.number),
                str(one.manifest.parent or ""),
                one.manifest.command,
            ),
            *(f"{counts['published']:,}", f"{counts['open']:,}", changed),
        )
    return table


def table_of(*names: str, left: int = 0) -> Table:
    """Return an empty table; the first `left` columns are of texts, the others of numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column, name in enumerate(names):
        table.add_column(name, justify="left" if column < left else "right", overflow="fold")
    return table


def sid(codes: Sequence[int] | None) -> str:
    """Return a semantic ID as a text."""
    return "" if codes is None else " ".join(map(str, codes))


def shape(codebook_sizes: Sequence[int]) -> str:
    """Return the sizes of codebooks as a text."""
    return " x ".join(map(str, codebook_sizes))


def percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.1f}"


def number(value: float | None) -> str:
    """Return a number to three digits, or nothing."""
    return "" if value is None else f"{value:.3g}"
