"""How geographic, and how meaningful, the neighbourhoods of an embedding are."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lgsid.functional.neighborhood import (
    agreement_at_k,
    effective_rank,
    mean_cosine,
    median_km_at_k,
    nearest_vectors,
)


class NeighbourhoodMetrics(Metric):
    """Coverage@k by region level, purity@k, median km of the k nearest, effective rank, cosine to a reference.

    Results are `coverage@k/region_1` .. `coverage@k/region_R` (coarse to fine), `purity@k`, `median_km@k`,
    `effective_rank` and, if a reference was given, `cosine_to_reference`. Items with an unknown region or category
    (code 0) are not asked for that figure; as neighbours they count as different. A level of which nothing is known
    is left out.

    Args:
        k: Number of nearest embeddings looked at.
        chunk_size: Rows compared with all others at a time.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    def __init__(self, k: int = 5, chunk_size: int = 1024) -> None:
        super().__init__()
        self.k = k
        self.chunk_size = chunk_size
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
        """Add B items; neighbours are looked for among all items added.

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
        """Return the figures by name, as float64 scalars."""
        vectors, region = dim_zero_cat(self.vectors), dim_zero_cat(self.region)  # type: ignore[arg-type]
        neighbours = nearest_vectors(vectors, self.k, self.chunk_size)
        figures = {
            f"coverage@{self.k}/region_{level + 1}": agreement_at_k(neighbours, region[:, level])
            for level in range(region.shape[1])
        }
        figures[f"purity@{self.k}"] = agreement_at_k(neighbours, dim_zero_cat(self.category))  # type: ignore[arg-type]
        lat_deg, lon_deg = dim_zero_cat(self.lat_deg), dim_zero_cat(self.lon_deg)  # type: ignore[arg-type]
        figures[f"median_km@{self.k}"] = median_km_at_k(neighbours, lat_deg, lon_deg)
        figures["effective_rank"] = effective_rank(vectors)
        if self.reference:
            figures["cosine_to_reference"] = mean_cosine(vectors, dim_zero_cat(self.reference))  # type: ignore[arg-type]
        return {name: value for name, value in figures.items() if not torch.isnan(value)}
