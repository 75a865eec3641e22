"""Judge vectors of places as what they are for: the next place, the neighborhood, the meaning (docs/evaluation.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.artefacts import CheckInLog, Dataset, Embeddings
from lgsid.artefacts.held_out import held_out
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.benchmark.comparison import Comparison, compare_users
from lgsid.benchmark.ranking_scores import RankingScores
from lgsid.benchmark.user_scores import queries_hash
from lgsid.metrics import NeighborhoodMetrics, NextPlaceQueries, NextPlaceRetrieval
from lgsid.metrics.next_place_declarations import (
    CHANCE,
    CUT_OFF,
    DISTANCE,
    NEXT_PLACE,
    NEXT_PLACE_SLICES,
    RANKINGS,
    RETRIEVAL_NUMBERS,
)
from lgsid.metrics.place_vector_declarations import NEIGHBORS
from lgsid.neighbors import NeighborIndex
from lgsid.typing import ItemBatch

BEFORE, AFTER, CONTROL, BOUND = "before", "after", "control", "bound"
COVERAGE_AT = (1, 10)


@dataclass(frozen=True)
class EmbeddingEvaluation:
    """What is known of vectors, and of those before the alignment.

    Args:
        metrics: Flat name -> value: `after/next_place/last/hit@10`, `after/held_out/purity@5`; behind `before/` those
            of the reference, behind `control/` what needs no vectors, behind `bound/` what no vectors can exceed.
        ranks: Whose vectors (`before`, `after`) -> column -> values of each query (Q,), see `NextPlaceRetrieval.ranks`.
        slices: Slice key -> mask of the queries (Q,).
    """

    metrics: Mapping[str, float]
    ranks: Mapping[str, Mapping[str, npt.NDArray[np.int64]]]
    slices: Mapping[str, npt.NDArray[np.bool_]]

    @cached_property
    def comparison(self) -> Comparison:
        """Rankings compared by a bootstrap over users: `before/last`, `after/last+distance`, `control/distance`."""
        methods = {}
        for when, columns in self.ranks.items():
            queries = queries_hash(*(columns[name] for name in ("row", "user", "target")))
            for ranking in RANKINGS:
                rank = columns[ranking.key]
                by_slice = {key: np.where(mask, rank, 0) for key, mask in self.slices.items()}
                name = f"{CONTROL if ranking is DISTANCE else when}/{ranking.key}"
                methods[name] = [RankingScores(name, columns["user"], by_slice, queries)]
        compared = compare_users(methods)
        named = tuple(f"/{number.name}@{CUT_OFF}" for number in RETRIEVAL_NUMBERS)
        return compared.only([key for key in compared.differences if f"/{key}".endswith(named)])


def evaluate_embeddings(
    dataset: Dataset,
    embeddings: Embeddings,
    reference: Embeddings | None = None,
    held_out_share: float = 0.2,
    held_out_seed: int = 0,
    split: Literal["validation", "test"] = "test",
    index: NeighborIndex | None = None,
) -> EmbeddingEvaluation:
    """Judge vectors against a dataset, on all places and on those held out from the alignment.

    Args:
        dataset: The dataset.
        embeddings: Vectors of its items.
        reference: Vectors of the same items before the alignment.
        held_out_share: Share of the items that was held out from the alignment.
        held_out_seed: Random seed that tells which.
        split: Split of the queries. The weight of distance is chosen on validation in either case.
        index: What finds the nearest vectors; exactly if not given.

    Raises:
        LgsidError: if an item has no vector, or a split has no check-in at a place new to its user.
    """
    items, log = dataset.items, CheckInLog.of(dataset)
    mask = held_out(items.ids, held_out_share, held_out_seed)
    tables = {AFTER: embeddings} if reference is None else {BEFORE: reference, AFTER: embeddings}
    vectors = {when: torch.from_numpy(table.for_items(items)) for when, table in tables.items()}
    places, out = Vocabularies.of(items).batch(items), torch.from_numpy(mask)
    splits = {"val": True} if split == "validation" else {"val": True, "test": False}
    queries = [(NextPlaceQueries.of(log, name), chooses) for name, chooses in splits.items()]
    retrieval = NextPlaceRetrieval.of(items, log, mask, CUT_OFF)
    metrics: dict[str, float] = {}
    ranks = {}
    for when, table in vectors.items():
        neighbors = NeighborhoodMetrics(NEIGHBORS, index, coverage_at=COVERAGE_AT)
        add_places(neighbors, places, table, out, vectors.get(BEFORE) if when == AFTER else None)
        metrics |= {f"{when}/{key}": float(value) for key, value in neighbors.compute().items()}
        if when == AFTER:
            metrics |= {f"{BOUND}/{key}": float(value) for key, value in neighbors.bounds().items()}
        retrieval.reset()
        for asked, chooses in queries:
            retrieval.update(table, asked, chooses)
        metrics |= {next_place_key(when, key): float(value) for key, value in retrieval.compute().items()}
        ranks[when] = {name: column.numpy() for name, column in retrieval.ranks().items()}
    inside = retrieval.member[torch.from_numpy(ranks[AFTER]["target"])].numpy()
    return EmbeddingEvaluation(metrics, ranks, {p.key: inside[:, i] for i, p in enumerate(NEXT_PLACE_SLICES)})


def add_places(
    metric: NeighborhoodMetrics, places: ItemBatch, vectors: Tensor, held_out: Tensor, reference: Tensor | None
) -> None:
    """Add all N places to a metric of neighborhoods; vectors (N, D), held out (N,) bool."""
    where = (places.region, places.category, places.lat_deg, places.lon_deg)
    metric.update(vectors, *where, reference, places.category_group, held_out)


def next_place_key(when: str, key: str) -> str:
    """Return the name of a number of next-place retrieval; those that need no vectors are controls."""
    is_control = {DISTANCE.key, CHANCE.key, "queries"} & set(key.split("/"))
    return f"{CONTROL if is_control else when}/{NEXT_PLACE}/{key}"
