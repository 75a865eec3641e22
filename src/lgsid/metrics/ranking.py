"""Item-level ranking metrics with the slices of the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from lgsid.functional.distances import haversine_m
from lgsid.metrics import ranking_declarations as declared
from lgsid.metrics.slices import QUERY_SLICES, RANK_COLUMN


class RankingMetrics(Metric):
    """The metrics of `ranking_declarations`, those of ranks also by slice.

    The names of the results are the keys of the declarations, behind the key of their slice: `hit@1`, `new/ndcg@5`,
    `revisit/mrr@10`, `head/hit@10`. Metrics that need full ranks are left out where these are not known, slices
    without queries everywhere. `queries` counts the queries of each slice.

    Args:
        lat_deg: Latitudes of the items, shape (N,).
        lon_deg: Longitudes of the items, shape (N,).
        item_slices: Pairs of slice names to masks of items (N,) bool: `("head", "tail")` says what a target inside
            and outside the mask is called.
        full_ranks: Whether ranks beyond the returned list are known.
    """

    full_state_update = False
    gains: Tensor
    queries: Tensor
    distances: Tensor
    shown: Tensor
    covered: Tensor
    masks: Tensor
    lat_deg: Tensor
    lon_deg: Tensor

    def __init__(
        self,
        lat_deg: Tensor,
        lon_deg: Tensor,
        item_slices: Mapping[tuple[str, str], Tensor] | None = None,
        full_ranks: bool = False,
    ) -> None:
        super().__init__()
        self.rank_metrics = [metric for metric in declared.RANK_METRICS if full_ranks or not metric.full_rank]
        self.distance_metrics, self.coverage_metrics = declared.DISTANCE_METRICS, declared.COVERAGE_METRICS
        self.register_buffer("lat_deg", lat_deg.double(), persistent=False)
        self.register_buffer("lon_deg", lon_deg.double(), persistent=False)
        slices = dict(item_slices or {})
        masks = torch.stack([m.bool() for m in slices.values()]) if slices else torch.zeros(0, len(lat_deg)).bool()
        self.register_buffer("masks", masks, persistent=False)
        self.query_slices = [part for part in QUERY_SLICES if part.rank_column == RANK_COLUMN]
        self.slices = (*(part.key for part in self.query_slices), *(f"{name}/" for pair in slices for name in pair))
        sums = {
            "gains": (len(self.slices), len(self.rank_metrics)),
            "queries": (len(self.slices),),
            "distances": (len(self.distance_metrics),),
            "shown": (len(self.distance_metrics),),
        }
        for name, shape in sums.items():
            self.add_state(name, torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")
        covered = torch.zeros(len(self.coverage_metrics), len(lat_deg), dtype=torch.bool)
        self.add_state("covered", covered, dist_reduce_fx="max")

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
        members = [*(p.member(is_new) for p in self.query_slices), *(m for mask in inside for m in (mask, ~mask))]
        member = torch.stack(members).double()  # (slices, B)
        self.queries += member.sum(1)
        for i, metric in enumerate(self.rank_metrics):
            self.gains[:, i] += member @ metric.gain(rank)
        place = ranked.clamp_min(0)
        origin = last.clamp_min(0)[:, None]
        km = haversine_m(self.lat_deg[origin], self.lon_deg[origin], self.lat_deg[place], self.lon_deg[place]) / 1000
        counted = (ranked >= 0) & (last >= 0)[:, None]
        for i, distance in enumerate(self.distance_metrics):
            first = km[:, : distance.k][counted[:, : distance.k]]
            self.distances[i] += distance.value(first).sum()
            self.shown[i] += len(first)
        for i, coverage in enumerate(self.coverage_metrics):
            items = ranked[:, : coverage.k]
            self.covered[i, items[items >= 0]] = True

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name; slices without queries are left out."""
        results: dict[str, Tensor] = {}
        for s, part in enumerate(self.slices):
            if self.queries[s] == 0:
                continue
            for i, metric in enumerate(self.rank_metrics):
                results[part + metric.key] = self.gains[s, i] / self.queries[s]
            results[f"{part}queries"] = self.queries[s]
        if self.queries[0]:
            for i, coverage in enumerate(self.coverage_metrics):
                results[coverage.key] = self.covered[i].double().mean()
            for i, distance in enumerate(self.distance_metrics):
                if self.shown[i]:
                    results[distance.key] = self.distances[i] / self.shown[i]
        return {name: value.float() for name, value in results.items()}

    def __hash__(self) -> int:
        return id(self)

    def to_dict(self) -> dict[str, Any]:
        """Return `compute()` as plain numbers."""
        return {name: float(value) for name, value in self.compute().items()}
