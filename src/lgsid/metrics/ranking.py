"""Item-level ranking metrics with the slices of the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from lgsid.functional.distances import haversine_m
from lgsid.functional.ranking import hit_at, ndcg_at, reciprocal_rank_at


class RankingMetrics(Metric):
    """Hit, NDCG and MRR at k per slice; distance from the last place, unreachable share and coverage at k.

    The names of the results are `hit@1`, `ndcg@5`, `mrr@10`, `mrr` (only where full ranks are known), the same
    behind `new/`, `revisit/` and the slices of `item_slices`; `km@k` is the mean distance of the first k items from the
    user's last place, `unreachable@k` the share of them more than `unreachable_km` away, `catalogue_coverage@k`
    the share of all items that occur in somebody's first k. A slice without queries has no results.

    Args:
        lat_deg: Latitudes of the items, shape (N,).
        lon_deg: Longitudes of the items, shape (N,).
        ks: Cut-offs.
        item_slices: Pairs of slice names to masks of items (N,) bool: `("head", "tail")` says what a target inside
            and outside the mask is called.
        unreachable_km: Beyond this an item counts as unreachable.
        full_ranks: Whether ranks beyond the returned list are known, so that `mrr` can be given.
    """

    full_state_update = False
    hits: Tensor
    ndcgs: Tensor
    reciprocals: Tensor
    reciprocal_full: Tensor
    queries: Tensor
    km: Tensor
    far: Tensor
    shown: Tensor
    covered: Tensor
    masks: Tensor
    lat_deg: Tensor
    lon_deg: Tensor

    def __init__(
        self,
        lat_deg: Tensor,
        lon_deg: Tensor,
        ks: Sequence[int] = (1, 5, 10),
        item_slices: Mapping[tuple[str, str], Tensor] | None = None,
        unreachable_km: float = 10.0,
        full_ranks: bool = False,
    ) -> None:
        super().__init__()
        self.ks = tuple(ks)
        self.unreachable_km = unreachable_km
        self.full_ranks = full_ranks
        self.register_buffer("lat_deg", lat_deg.double(), persistent=False)
        self.register_buffer("lon_deg", lon_deg.double(), persistent=False)
        slices = dict(item_slices or {})
        masks = torch.stack([m.bool() for m in slices.values()]) if slices else torch.zeros(0, len(lat_deg)).bool()
        self.register_buffer("masks", masks, persistent=False)
        self.slices = ("", "new/", "revisit/", *(f"{name}/" for pair in slices for name in pair))
        n_slices, n_ks = len(self.slices), len(self.ks)
        for name in ("hits", "ndcgs", "reciprocals"):
            self.add_state(name, torch.zeros(n_slices, n_ks, dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("queries", "reciprocal_full"):
            self.add_state(name, torch.zeros(n_slices, dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("km", "far", "shown"):
            self.add_state(name, torch.zeros(n_ks, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("covered", torch.zeros(n_ks, len(lat_deg), dtype=torch.bool), dist_reduce_fx="max")

    def update(self, rank: Tensor, target: Tensor, is_new: Tensor, ranked: Tensor, last: Tensor) -> None:
        """Add queries.

        Args:
            rank: Shape (B,), rank of the target from 1, a large number where it was not returned.
            target: Shape (B,), item rows.
            is_new: Shape (B,) bool, whether the user had never been to the target.
            ranked: Shape (B, k), item rows best first, -1 is padding; k at least the largest cut-off, or N.
            last: Shape (B,), item row of the user's last place, -1 where unknown.
        """
        inside = self.masks[:, target]  # (slices / 2, B)
        members = [torch.ones_like(is_new), is_new, ~is_new, *(m for mask in inside for m in (mask, ~mask))]
        member = torch.stack(members).double()  # (slices, B)
        self.queries += member.sum(1)
        self.hits += member @ torch.stack([hit_at(rank, k) for k in self.ks], 1)
        self.ndcgs += member @ torch.stack([ndcg_at(rank, k) for k in self.ks], 1)
        self.reciprocals += member @ torch.stack([reciprocal_rank_at(rank, k) for k in self.ks], 1)
        self.reciprocal_full += member @ reciprocal_rank_at(rank)
        place = ranked.clamp_min(0)
        origin = last.clamp_min(0)[:, None]
        km = haversine_m(self.lat_deg[origin], self.lon_deg[origin], self.lat_deg[place], self.lon_deg[place]) / 1000
        counted = (ranked >= 0) & (last >= 0)[:, None]
        for i, k in enumerate(self.ks):
            near = km[:, :k][counted[:, :k]]
            self.km[i] += near.sum()
            self.far[i] += (near > self.unreachable_km).sum()
            self.shown[i] += len(near)
            first = ranked[:, :k]
            self.covered[i, first[first >= 0]] = True

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name; slices without queries are left out."""
        results: dict[str, Tensor] = {}
        for s, name in enumerate(self.slices):
            if self.queries[s] == 0:
                continue
            for i, k in enumerate(self.ks):
                results[f"{name}hit@{k}"] = self.hits[s, i] / self.queries[s]
                results[f"{name}ndcg@{k}"] = self.ndcgs[s, i] / self.queries[s]
                results[f"{name}mrr@{k}"] = self.reciprocals[s, i] / self.queries[s]
            if self.full_ranks:
                results[f"{name}mrr"] = self.reciprocal_full[s] / self.queries[s]
            results[f"{name}queries"] = self.queries[s]
        if self.queries[0]:
            for i, k in enumerate(self.ks):
                results[f"catalogue_coverage@{k}"] = self.covered[i].double().mean()
                if self.shown[i]:
                    results[f"km@{k}"] = self.km[i] / self.shown[i]
                    results[f"unreachable@{k}"] = self.far[i] / self.shown[i]
        return {name: value.float() for name, value in results.items()}

    def __hash__(self) -> int:
        return id(self)

    def to_dict(self) -> dict[str, Any]:
        """Return `compute()` as plain numbers."""
        return {name: float(value) for name, value in self.compute().items()}
