"""The figures of a report, as far as the stages left what they need."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lgsid.artefacts import Embeddings, Items, SemanticIDs
from lgsid.plots import (
    BeforeAfter,
    embedding_projection,
    neighborhood_bars,
    prefix_distances,
    ranking_bars,
    save_png,
    sid_map,
)
from lgsid.plots.embedding_projection import region_level
from lgsid.report.embedding_tables import at_main_k, neighborhoods_of
from lgsid.report.stage_results import PipelineResults

logger = logging.getLogger(__name__)

MAP_COLUMNS = 3
SHUFFLED = "Randomly permuted across the places"


def write_figures(results: PipelineResults, folder: Path) -> dict[str, str]:
    """Draw what the stages allow.

    Args:
        results: What the stages left.
        folder: Where the PNG files go.

    Returns:
        File name -> caption, in the order of the report.
    """
    drawings: dict[str, tuple[str, Callable[[PipelineResults], Figure | None]]] = {
        "map.png": ("Where the places of one prefix lie", draw_map),
        "prefix_distances.png": ("How far apart they are, depth by depth", draw_distances),
        "embeddings.png": ("Item vectors before and after the alignment", draw_embeddings),
        "coverage.png": ("Neighborhoods of the vectors before and after", draw_bars),
        "leaderboard.png": ("Recommenders and counting baselines", draw_leaderboard),
    }
    captions = {}
    for name, (caption, draw) in drawings.items():
        figure = draw(results)
        if figure is not None:
            save_png(figure, folder / name)
            captions[name] = caption
            logger.info("drew %s", name)
    return captions


def draw_map(results: PipelineResults) -> Figure | None:
    """Draw the map of the first set of semantic IDs, of others from other tokenizers first, a control at the right."""
    sets = titled_sids(results)
    if results.items is None or not sets:
        return None
    kinds = {result.title: result.tokenizer for result in results.tokenizers}
    first, *others, last = sets
    others.sort(key=lambda title: kinds[title] == kinds.get(first))
    columns = [first, *others[: MAP_COLUMNS - 2], last]
    return sid_map(results.items, {title: sets[title] for title in columns}, dataset_name(results))


def titled_sids(results: PipelineResults) -> dict[str, SemanticIDs]:
    """Return title -> semantic IDs, ours first and a control last; where no stage made one, ours shuffled."""
    sets = {result.title: result.sids for result in results.tokenizers}
    if sets and (len(sets) == 1 or not any(result.is_control for result in results.tokenizers)):
        sets[SHUFFLED] = shuffled(next(iter(sets.values())))
    return sets


def shuffled(sids: SemanticIDs, seed: int = 0) -> SemanticIDs:
    """Permute the semantic IDs across the items: the same prefixes, of the same sizes, without meaning."""
    order = np.random.default_rng(seed).permutation(len(sids))
    return SemanticIDs(sids.item_ids, sids.codes[order], sids.codebook_sizes)


def dataset_name(results: PipelineResults) -> str:
    """Return what the dataset is called."""
    return "" if results.dataset is None else str(results.dataset.report.get("name", "")).replace("_", " ")


def draw_distances(results: PipelineResults) -> Figure | None:
    """Draw the distances inside prefixes of all sets of semantic IDs."""
    sets = {result.title: result.sids for result in results.tokenizers}
    return prefix_distances(results.items, sets) if sets and results.items is not None else None


def draw_embeddings(results: PipelineResults) -> Figure | None:
    """Draw the vectors before and after."""
    pair = results.embeddings()
    if pair is None or results.items is None:
        return None
    before, after = (vectors_of(embeddings, results.items) for embeddings in pair)
    level = region_level(results.items)
    name = results.regions[results.items.region_columns.index(level) + 1] if level else "region"
    return embedding_projection(results.items, before, after, name)


def vectors_of(embeddings: Embeddings, items: Items) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the vectors in the order of the items."""
    return embeddings.for_items(items)


def draw_bars(results: PipelineResults) -> Figure | None:
    """Draw coverage by region level, purity, and the distance of the nearest vectors."""
    stage = results.alignment
    if stage is None:
        return None
    pairs: dict[str, list[BeforeAfter]] = {"share": [], "km": []}
    found = [
        one
        for one in at_main_k(neighborhoods_of(stage, "before"))
        if f"after/{one.key}" in stage.metrics and one.metric.bar
    ]
    for one in found:
        values = (stage.metrics[f"{when}/{one.key}"] for when in ("before", "after"))
        pairs[one.metric.unit].append(BeforeAfter(one.bar(results.regions), *values))
    return neighborhood_bars(pairs["share"], pairs["km"], found[0].k) if pairs["share"] else None


def draw_leaderboard(results: PipelineResults) -> Figure | None:
    """Draw the recommenders beside each other."""
    return ranking_bars(results.recommenders) if results.recommenders else None
