"""How geographic, and how meaningful, the neighborhoods of an embedding are."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lgsid.functional.neighborhood import MAX_QUERIES, nearest_vectors, sampled_rows
from lgsid.metrics import neighborhood_declarations as declared


class NeighborhoodMetrics(Metric):
    """The metrics of `neighborhood_declarations`, of all items added.

    The names of the results are `coverage@k/region_1` .. `coverage@k/region_R` (coarse to fine), `purity@k`,
    `median_km@k`, `effective_rank` and so on; `cosine_to_reference` if a reference was given. Items with an unknown
    region or category (code 0) do not count for that metric; as neighbors they count as different. A level of which
    nothing is known is left out.

    Args:
        k: Number of nearest embeddings looked at.
        chunk_size: Rows compared with all others at a time.
        max_queries: Maximum number of items whose neighbors are searched; of more, a random sample of so many.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    def __init__(self, k: int = 5, chunk_size: int = 1024, max_queries: int = MAX_QUERIES) -> None:
        super().__init__()
        self.k = k
        self.chunk_size = chunk_size
        self.max_queries = max_queries
        for name in ("vectors", "region", "category", "lat_deg", "lon_deg", "reference"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(
        self,
        vectors: Tensor,
        region: Tensor,
        category: Tensor,
        lat_deg: Tensor,
        lon_deg: Tensor,
        reference: Tensor | None = None,
    ) -> None:
        """Add B items; neighbors are searched among all items added.

        Args:
            vectors: Shape (B, D).
            region: Codes of the R region levels, coarse to fine, shape (B, R) int64, 0 is unknown.
            category: Shape (B,) int64, 0 is unknown.
            lat_deg: Shape (B,) float64.
            lon_deg: Shape (B,) float64.
            reference: Vectors to compare each item's own with, shape (B, D); with every update or with none.
        """
        self.vectors.append(vectors)  # type: ignore[union-attr,operator]
        self.region.append(region)  # type: ignore[union-attr,operator]
        self.category.append(category)  # type: ignore[union-attr,operator]
        self.lat_deg.append(lat_deg)  # type: ignore[union-attr,operator]
        self.lon_deg.append(lon_deg)  # type: ignore[union-attr,operator]
        if reference is not None:
            self.reference.append(reference)  # type: ignore[union-attr,operator]

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name, as float64 scalars."""
        columns = ("vectors", "region", "category", "lat_deg", "lon_deg")
        known = {name: dim_zero_cat(getattr(self, name)) for name in columns}
        reference = dim_zero_cat(self.reference) if self.reference else None  # type: ignore[arg-type]
        rows = sampled_rows(len(known["vectors"]), self.max_queries, seed=0)
        rows = rows if rows is None else rows.to(known["vectors"].device)
        neighbors = nearest_vectors(known["vectors"], self.k, self.chunk_size, rows)
        found = declared.Neighborhoods(**known, neighbors=neighbors, rows=rows, reference=reference)
        results = {
            metric.key_at(self.k, level): metric.value(found, level)
            for metric in declared.NEIGHBORHOOD_METRICS
            for level in range(found.region.shape[1] if metric.by_region else 1)
        }
        return {name: value for name, value in results.items() if value is not None and not torch.isnan(value)}
