"""How geographic, and how meaningful, the neighborhoods of an embedding are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lgsid.functional.neighborhood import MAX_QUERIES, nearest_vectors, sampled_rows
from lgsid.metrics import neighborhood_declarations as declared
from lgsid.metrics.next_place_declarations import HELD_OUT

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
        chunk_size: Rows compared with all others at a time.
        max_queries: Maximum number of items whose neighbors are searched; of more, a random sample of so many.
        coverage_at: Further numbers of neighbors for coverage.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    def __init__(
        self, k: int = 5, chunk_size: int = 1024, max_queries: int = MAX_QUERIES, coverage_at: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.k = k
        self.chunk_size = chunk_size
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
        known = {name: dim_zero_cat(getattr(self, name)) for name in REQUIRED}
        known |= {name: dim_zero_cat(getattr(self, name)) for name in OPTIONAL if getattr(self, name)}
        held_out = known.pop("held_out", None)
        vectors = known["vectors"]
        rows = sampled_rows(len(vectors), self.max_queries, seed=0)
        rows = torch.arange(len(vectors)) if rows is None else rows
        rows = rows.to(vectors.device)
        neighbors = nearest_vectors(vectors, max(self.k, *self.coverage_at, 0), self.chunk_size, rows)
        results = self._measure(declared.Neighborhoods(**known, neighbors=neighbors, rows=rows))
        if held_out is None or not held_out[rows].any():
            return results
        members, mask = held_out.nonzero()[:, 0], held_out[rows]
        part = declared.Neighborhoods(**known, neighbors=neighbors[mask], rows=rows[mask], members=members)
        return results | {f"{HELD_OUT.key}{name}": value for name, value in self._measure(part).items()}

    def _measure(self, found: declared.Neighborhoods) -> dict[str, Tensor]:
        """Return all metrics that can be measured, by name."""
        first = {k: replace(found, neighbors=found.neighbors[:, :k]) for k in (self.k, *self.coverage_at)}
        results = {
            metric.key_at(k, level): metric.value(first[k], level)
            for metric in declared.NEIGHBORHOOD_METRICS
            for k in (first if metric.every_k else (self.k,))
            for level in range(found.region.shape[1] if metric.by_region else 1)
        }
        return {name: value for name, value in results.items() if value is not None and not torch.isnan(value)}
