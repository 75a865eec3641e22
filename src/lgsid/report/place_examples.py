"""Example places: those that share a prefix, and how branches of one name are told apart."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Items
from lgsid.plots.prefix_groups import prefix_groups, prefix_token, shortened
from lgsid.report.report_table import ReportTable
from lgsid.report.stage_results import PipelineResults, TokenizerResults

GROUPS, PER_GROUP, BRANCHES = 3, 4, 6
HEADER = ("SID", "name", "category", "region")
WIDTHS = (24, 22, 16, 16)
PRIVATE = re.compile(r"\b(private|residential|home \()", re.IGNORECASE)  # nobody's home is an example


def prefix_examples(results: PipelineResults) -> ReportTable | None:
    """Show places of the largest prefixes of all codes but the last."""
    chosen = chosen_tokenizer(results)
    if chosen is None or results.items is None:
        return None
    items, codes = results.items, chosen.sids.for_items(results.items)
    depth = max(1, codes.shape[1] - 1)
    shown = np.flatnonzero(showable(items))
    groups = prefix_groups(codes, depth)
    rows: list[tuple[str, ...]] = []
    breaks: list[int] = []
    for group in varied_groups(items, groups, shown):
        members = shown[groups[shown] == group]
        rows += [example_row(items, codes, row) for row in spread_rows(items, members, PER_GROUP)]
        breaks.append(len(rows) - 1)
    if not rows:
        return None
    words = "code" if depth == 1 else f"{depth} codes"
    note = f"{chosen.title}: places that share the first {words}."
    return ReportTable("Neighbors in code", HEADER, tuple(rows), len(HEADER), note, tuple(breaks[:-1]))


def branch_examples(results: PipelineResults) -> ReportTable | None:
    """Show the semantic IDs of the branches of the most frequent name."""
    chosen = chosen_tokenizer(results)
    if chosen is None or results.items is None:
        return None
    items, codes = results.items, chosen.sids.for_items(results.items)
    names = items.texts("name")
    counts = Counter(name for name in names[showable(items)].tolist() if name)
    best = min(counts, key=lambda name: (-counts[name], name), default="")
    if not best or counts[best] < 2:
        return None
    members = np.flatnonzero((names == best) & showable(items))
    rows = tuple(example_row(items, codes, row) for row in spread_rows(items, members, BRANCHES))
    note = f"{len(members)} places are called {best}; text alone cannot tell them apart."
    return ReportTable("One name, many branches", HEADER, rows, len(HEADER), note)


def chosen_tokenizer(results: PipelineResults) -> TokenizerResults | None:
    """Return the first set of semantic IDs that is no control."""
    return next((result for result in results.tokenizers if not result.is_control), None)


def showable(items: Items) -> npt.NDArray[np.bool_]:
    """Tell which places may be shown by name, shape (N,): homes may not."""
    return np.array([not PRIVATE.search(category) for category in items.texts("category")], dtype=bool)


def varied_groups(items: Items, groups: npt.NDArray[np.int64], shown: npt.NDArray[np.int64]) -> list[int]:
    """Return the largest groups of named places, of different categories as far as there are such."""
    names, categories = items.texts("name"), items.texts("category")
    has_names = any(names[shown])
    members = [row for row in shown.tolist() if names[row] or not has_names]
    sizes = Counter(groups[members].tolist())
    ranked = sorted((g for g in sizes if sizes[g] > 1), key=lambda group: (-sizes[group], group))
    kinds = {
        g: Counter(categories[[r for r in members if groups[r] == g]].tolist()).most_common(1)[0][0]
        for g in ranked[:40]
    }
    first = [g for n, g in enumerate(kinds) if kinds[g] not in list(kinds.values())[:n]]
    return [*first, *(g for g in ranked if g not in first)][:GROUPS]


def spread_rows(items: Items, rows: npt.NDArray[np.int64], count: int) -> list[int]:
    """Return up to `count` of the rows, named places first, evenly from the sorted names and ids."""
    named = [row for row in rows.tolist() if items.texts("name")[row]]
    pool = named if len(named) >= min(count, 2) else rows.tolist()
    pool.sort(key=lambda row: (items.texts("name")[row], items.ids[row]))
    step = max(1.0, len(pool) / count)
    return [pool[int(n * step)] for n in range(min(count, len(pool)))]


def example_row(items: Items, codes: npt.NDArray[np.int64], row: int) -> tuple[str, ...]:
    """Return the cells of one place."""
    regions = items.region_columns
    region = items.texts(regions[-1])[row] if regions else ""
    cells = (prefix_token(codes[row]), items.texts("name")[row] or "(no name)", items.texts("category")[row], region)
    return tuple(shortened(cell or "-", width) for cell, width in zip(cells, WIDTHS, strict=True))
