"""Where will the user go next? Ranking of all places (FIELD 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts.names import PER_QUERY_FILE, of_part
from lgsid.benchmark.columns import Column, Slice
from lgsid.benchmark.comparison import Comparison, compare_users
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.benchmark.ranking_scores import RankingScores
from lgsid.benchmark.tasks.task import Task


class NextPlace(Task):
    """Rank all places for every test query. Item-level, ties broken against the model."""

    name = "next_place"
    title = "Next place"
    primary = "mrr@10"
    columns = (
        Column("mrr@10", "MRR@10", "Mean of one over the rank of the right place, nothing beyond rank 10."),
        Column("hit@1", "Hit@1", "Share of queries whose right place is ranked first."),
        Column("hit@5", "Hit@5", "Share of queries whose right place is among the first five."),
        Column("hit@10", "Hit@10", "Share of queries whose right place is among the first ten."),
        Column("ndcg@5", "NDCG@5", "Discounted gain of the right place among the first five."),
        Column("ndcg@10", "NDCG@10", "Discounted gain of the right place among the first ten."),
        Column("km@10", "km@10", "Mean distance of the first ten from the user's last place.", None, 2),
        Column("unreachable@10", "> 10 km", "Share of the first ten that are over 10 km from the last place.", False),
        Column("catalogue_coverage@10", "coverage", "Share of all places that somebody's first ten hold.", True),
    )
    slices = (
        Slice("", "all queries", "Every test query."),
        Slice("new/", "new places", "Queries whose right place is new to the user, ranked among all places."),
        Slice("explore/", "new among new", "The same queries, ranked among the places that are new to the user."),
        Slice("revisit/", "revisits", "Queries whose right place the user has been to."),
        Slice("head/", "head", "Queries whose right place is among the most visited fifth."),
        Slice("tail/", "tail", "All others."),
        Slice("dense/", "dense areas", "Queries whose right place has more places around it than the median."),
        Slice("sparse/", "sparse areas", "All others."),
    )

    table = ("hit@1", "hit@10", "explore/hit@10", "explore/mrr@10")

    def per_user_file(self, part: str) -> str | None:
        """Ranks of every query."""
        return of_part(PER_QUERY_FILE, part)

    def compare(
        self,
        cells: Mapping[str, Sequence[Mapping[str, Any]]],
        files: Mapping[str, Sequence[Path]],
        dataset: Path,
    ) -> Comparison:
        """Bootstrap over users."""
        slices = QuerySlices.of(dataset)
        return compare_users({m: [RankingScores.read(p, slices.masks(p)) for p in ps] for m, ps in files.items()})
