"""How geographic, and how meaningful, the neighborhoods of an embedding are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lgsid.functional.neighborhood import MAX_QUERIES, sampled_rows
from lgsid.metrics import neighborhood_declarations as declared
from lgsid.metrics.next_place_declarations import HELD_OUT
from lgsid.neighbors import ExactNeighbors, NeighborIndex

REQUIRED = ("vectors", "region", "category", "lat_deg", "lon_deg")
OPTIONAL = ("reference", "category_group", "held_out")


class NeighborhoodMetrics(Metric):
    """The metrics of `neighborhood_declarations`, of all items added.

    The names of the results are `coverage@k/region_1` .. `coverage@k/region_R` (coarse to fine), `purity@k`,
    `median_km@k`, `effective_rank` and so on; `cosine_to_reference` if a reference was given, `group_purity@k` if
    groups of categories were. Items with an unknown region or category (code 0) do not count for that metric; as
    neighbors they count as different. A level of which nothing is known is left out. Behind `held_out/` are the same of
    the items held out, whose neighbors are searched among all items.

    Args:
        k: Number of nearest embeddings looked at.
        index: What finds the nearest embeddings; `ExactNeighbors` if not given.
        max_queries: Maximum number of items whose neighbors are searched; of more, a random sample of so many.
        coverage_at: Further numbers of neighbors for coverage.
        sync_on_compute: Whether several processes join what each was given; not where each was given everything.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    def __init__(
        self,
        k: int = 5,
        index: NeighborIndex | None = None,
        max_queries: int = MAX_QUERIES,
        coverage_at: Sequence[int] = (),
        sync_on_compute: bool = True,
    ) -> None:
        super().__init__(sync_on_compute=sync_on_compute)
        self.k = k
        self.index = index or ExactNeighbors()
        self.max_queries = max_queries
        self.coverage_at = tuple(coverage_at)
        for name in (*REQUIRED, *OPTIONAL):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(
        self,
        vectors: Tensor,
        region: Tensor,
        category: Tensor,
        lat_deg: Tensor,
        lon_deg: Tensor,
        reference: Tensor | None = None,
        category_group: Tensor | None = None,
        held_out: Tensor | None = None,
    ) -> None:
        """Add B items; neighbors are searched among all items added.

        Args:
            vectors: Shape (B, D).
            region: Codes of the R region levels, coarse to fine, shape (B, R) int64, 0 is unknown.
            category: Shape (B,) int64, 0 is unknown.
            lat_deg: Shape (B,) float64.
            lon_deg: Shape (B,) float64.
            reference: Vectors to compare each item's own with, shape (B, D).
            category_group: Shape (B,) int64, 0 is unknown.
            held_out: Shape (B,) bool. These last three are given with every update or with none.
        """
        given = (vectors, region, category, lat_deg, lon_deg, reference, category_group, held_out)
        for name, value in zip((*REQUIRED, *OPTIONAL), given, strict=True):
            if value is not None:
                getattr(self, name).append(value)

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name, as float64 scalars."""
        return self._results(lambda metric: metric.value, self._neighborhoods(search=True))

    def bounds(self) -> dict[str, Tensor]:
        """Return the largest values that any lists of neighbors can have, by the same names, where bounds are known."""
        return self._results(lambda metric: metric.bound, self._neighborhoods(search=False))

    def _neighborhoods(self, search: bool) -> dict[str, declared.Neighborhoods]:
        """Return those of all items, and those of the items held out; the neighbors are row 0 if none are searched."""
        known = {name: dim_zero_cat(getattr(self, name)) for name in REQUIRED}
        known |= {name: dim_zero_cat(getattr(self, name)) for name in OPTIONAL if len(getattr(self, name))}
        held_out, vectors = known.pop("held_out", None), known["vectors"]
        rows = sampled_rows(len(vectors), self.max_queries, seed=0)
        rows = (torch.arange(len(vectors)) if rows is None else rows).to(vectors.device)
        k = max(self.k, *self.coverage_at, 0)
        neighbors = self.index.nearest(vectors, k, rows) if search else rows.new_zeros(len(rows), k)
        found = {"": declared.Neighborhoods(**known, neighbors=neighbors, rows=rows)}
        if held_out is not None and held_out[rows].any():
            mask, members = held_out[rows], held_out.nonzero()[:, 0]
            found[HELD_OUT.key] = replace(found[""], neighbors=neighbors[mask], rows=rows[mask], members=members)
        return found

    def _results(
        self,
        function: Callable[[declared.NeighborhoodMetric], declared.Measure | None],
        neighborhoods: Mapping[str, declared.Neighborhoods],
    ) -> dict[str, Tensor]:
        """Return what a function of each metric, that has one, tells of the neighborhoods, by slice and key."""
        results: dict[str, Tensor | None] = {}
        measured = [(metric, measure) for metric in declared.NEIGHBORHOOD_METRICS if (measure := function(metric))]
        for part, found in neighborhoods.items():
            first = {k: replace(found, neighbors=found.neighbors[:, :k]) for k in (self.k, *self.coverage_at)}
            for metric, measure in measured:
                levels = range(found.region.shape[1] if metric.by_region else 1)
                for k, level in product(first if metric.every_k else (self.k,), levels):
                    results[part + metric.key_at(k, level)] = measure(first[k], level)
        return {name: value for name, value in results.items() if value is not None and not torch.isnan(value)}
