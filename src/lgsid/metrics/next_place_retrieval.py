"""Whether vectors know which new place comes next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat
from typing_extensions import Self

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.items import Items
from lgsid.functional.distances import earth_centered_km
from lgsid.functional.retrieval import cosine_spread, mean_vectors, ranks_by_weight
from lgsid.metrics import next_place_declarations as declared
from lgsid.metrics.next_place_queries import NextPlaceQueries

NEAREST_KM = 0.1
"""Added to distances before their logarithm: below it, near is near enough."""


class NextPlaceRetrieval(Metric):
    """Hit@k and MRR@k of the next place among the places new to the user, by vectors alone and with distance.

    Places are ranked by cosine with the user's last place (`last`), and with the mean of the unit vectors of all past
    check-ins (`history`); each alone, and in a sum with distance (`last+distance`, `history+distance`):
    `cosine / spread + weight * nearness`, where `spread` is the standard deviation of the cosine over all pairs of
    places, and `nearness` is minus the logarithm of the kilometers from the last place plus 0.1. The weight is the one
    of a fixed grid with the best Hit@k on the validation queries. Controls are distance alone (`distance`) and a random
    order (`chance`, an expectation). Ties count against the model (docs/evaluation.md).

    The names of the results are slice, ranking and number, such as `last/hit@10` or `held_out/last+distance/mrr@10`;
    `queries` counts the queries of each slice, `last+distance/weight` is the weight that was chosen. Slices without
    queries are left out.

    Args:
        lat_deg: Latitudes of the items, shape (N,).
        lon_deg: Longitudes of the items, shape (N,).
        counts: Training check-ins of the items, shape (N,).
        held_out: The items held out from the alignment, shape (N,) bool; none if not given.
        k: Cut-off.
        weights: The grid of weights of the nearness.
        chunk_size: Queries ranked at a time.
        sync_on_compute: Whether several processes join what each was given; not where each was given everything.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    position_km: Tensor
    member: Tensor

    def __init__(
        self,
        lat_deg: Tensor,
        lon_deg: Tensor,
        counts: Tensor,
        held_out: Tensor | None = None,
        k: int = 10,
        weights: Sequence[float] = declared.WEIGHTS,
        chunk_size: int = 256,
        sync_on_compute: bool = True,
    ) -> None:
        super().__init__(sync_on_compute=sync_on_compute)
        self.k, self.chunk_size = k, chunk_size
        self.weights = tuple(weights)
        warm, everything = counts > 0, torch.ones(len(counts), dtype=torch.bool)
        held_out = ~everything if held_out is None else held_out
        self.register_buffer("position_km", earth_centered_km(lat_deg.double(), lon_deg.double()), persistent=False)
        self.register_buffer("member", torch.stack([everything, warm, ~warm, held_out], dim=1), persistent=False)
        for name in ("rank", "row", "user", "target", "competing", "validation"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    @classmethod
    def of(
        cls,
        items: Items,
        log: CheckInLog,
        held_out: npt.NDArray[np.bool_] | None = None,
        k: int = 10,
        sync_on_compute: bool = True,
    ) -> Self:
        """Return the metric for the items (N) of a dataset; `held_out`: shape (N,)."""
        lat, lon, counts = items.lat_deg.copy(), items.lon_deg.copy(), log.item_counts(len(items), "train")
        mask = None if held_out is None else torch.from_numpy(held_out)
        found = torch.from_numpy(lat), torch.from_numpy(lon), torch.from_numpy(counts)
        return cls(*found, mask, k, sync_on_compute=sync_on_compute)

    def update(self, vectors: Tensor, queries: NextPlaceQueries, validation: bool = False) -> None:
        """Add Q queries.

        Args:
            vectors: Vectors of all items, shape (N, D).
            queries: The queries.
            validation: Whether weights are chosen on these queries. Results are of the others; of these where there
                are no others.
        """
        unit = F.normalize(vectors.to(self.position_km.device).float(), dim=1)
        scaled, queries = unit / cosine_spread(unit).float(), queries.to(unit.device)
        for start in range(0, len(queries), self.chunk_size):
            self._rank(unit, scaled, queries, start, min(start + self.chunk_size, len(queries)))
        mask = torch.full((len(queries),), validation, device=unit.device)
        known = {"row": queries.row, "user": queries.user, "target": queries.target, "validation": mask}
        for name, value in known.items():
            getattr(self, name).append(value)

    def _rank(self, unit: Tensor, scaled: Tensor, queries: NextPlaceQueries, start: int, end: int) -> None:
        """Append the ranks of the queries `start` to before `end` by each score and weight, and how many compete."""
        target, last = queries.target[start:end], queries.last[start:end]
        past, owner = queries.past_of(start, end)
        allowed = torch.ones(end - start, len(unit), dtype=torch.bool, device=unit.device)
        allowed[owner, past] = False
        # kilometers straight through the Earth, in the order of those along its surface
        km = torch.cdist(self.position_km[last], self.position_km, compute_mode="donot_use_mm_for_euclid_dist")
        nearness = -(km.float() + NEAREST_KM).log()
        mean = F.normalize(mean_vectors(unit, past, owner, end - start), dim=1)
        ranks = [
            ranks_by_weight(origin @ scaled.T, nearness, target, allowed, (0.0, *self.weights))
            for origin in (unit[last], mean)
        ]
        ranks.append(ranks_by_weight(nearness, nearness, target, allowed, (0.0,)))
        self.rank.append(torch.cat(ranks, dim=1))  # type: ignore[union-attr,operator]
        self.competing.append(allowed.sum(1))  # type: ignore[union-attr,operator]

    def chosen(self) -> dict[str, int]:
        """Return the column of `rank` of each ranking: of the best weight, where there is one."""
        rank = dim_zero_cat(self.rank)  # type: ignore[arg-type]
        validation = dim_zero_cat(self.validation)  # type: ignore[arg-type]
        quality = declared.HIT.gain(rank[validation] if validation.any() else rank, self.k).mean(0)
        columns, width = {}, 1 + len(self.weights)
        for i, origin in enumerate(declared.ORIGINS):
            columns[origin.key] = i * width
            best = quality[i * width + 1 : (i + 1) * width].argmax() if self.weights else -1
            columns[declared.with_distance(origin).key] = i * width + 1 + int(best)
        return {ranking.key: columns.get(ranking.key, rank.shape[1] - 1) for ranking in declared.RANKINGS}

    def ranks(self) -> dict[str, Tensor]:
        """Return what is known of each query that results are of.

        Returns:
            `row` in the log, `user`, `target`, `competing` (places new to the user) and the rank from 1 by each of
            `RANKINGS`, all (Q,) int64.
        """
        validation = dim_zero_cat(self.validation)  # type: ignore[arg-type]
        judged = ~validation if (~validation).any() else validation
        names = ("row", "user", "target", "competing")
        found = {name: dim_zero_cat(getattr(self, name))[judged] for name in names}
        rank = dim_zero_cat(self.rank)[judged]  # type: ignore[arg-type]
        return found | {key: rank[:, column] for key, column in self.chosen().items()}

    def compute(self) -> dict[str, Tensor]:
        """Return the metrics by name, as float64 scalars."""
        found = self.ranks()
        inside = self.member[found["target"]]  # (Q, slices)
        results: dict[str, Tensor] = {}
        for number in declared.RETRIEVAL_NUMBERS:
            gains = {ranking.key: number.gain(found[ranking.key], self.k) for ranking in declared.RANKINGS}
            gains[declared.CHANCE.key] = number.chance(found["competing"], self.k)
            for part, mask in zip(declared.NEXT_PLACE_SLICES, inside.T, strict=True):
                if mask.any():
                    results |= {
                        f"{part.key}{key}/{number.name}@{self.k}": gain[mask].mean() for key, gain in gains.items()
                    }
                    results[f"{part.key}queries"] = mask.sum().double()
        return results | self._weights()

    def _weights(self) -> dict[str, Tensor]:
        """Return the weight of nearness that each ranking with distance has, by `RANKING/weight`."""
        columns, grid = self.chosen(), (0.0, *self.weights)
        keys = [declared.with_distance(origin).key for origin in declared.ORIGINS]
        return {f"{key}/weight": torch.tensor(grid[columns[key] % len(grid)]).double() for key in keys}
