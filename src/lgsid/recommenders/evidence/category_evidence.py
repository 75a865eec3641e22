"""Whether a place is of a kind that is visited now, by this user, after such a place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.popularity_evidence import hour_kernel
from lgsid.recommenders.evidence.query_view import HOURS, QueryView
from lgsid.typing import DataShape


class CategoryEvidence(Evidence):
    """Lift of a place's category: at this hour and kind of day, in the user's past (and of its group), after the last.

    Each is the logarithm of a smoothed share over the category's share of all check-ins, so that 0 says nothing.

    Args:
        width_h: Standard deviation of the smoothing over hours.
        other_day: How much a check-in of a weekend counts on a working day, and the other way round.
        prior: Check-ins that the overall share counts for.
    """

    n_columns = 4
    by_hour: Tensor  # (2, 24, C) check-ins on working days and weekends by hour, smoothed
    after: Tensor  # (C, C) check-ins in a category (column) after one in another (row)
    share: Tensor  # (C,) share of all check-ins
    group: Tensor  # (C,) int64 group of a category
    group_share: Tensor  # (G,)
    kernel: Tensor  # (24, 24)

    def __init__(self, width_h: float = 2.0, other_day: float = 0.5, prior: float = 5.0) -> None:
        super().__init__()
        self.width_h, self.other_day, self.prior = width_h, other_day, prior

    def build(self, shape: DataShape) -> None:
        """Create the tables of categories."""
        n, groups = shape.n_categories, max(shape.n_category_groups, 1)
        self.register_buffer("by_hour", torch.zeros(2, HOURS, n))
        self.register_buffer("after", torch.zeros(n, n))
        self.register_buffer("share", torch.ones(n) / max(n, 1))
        self.register_buffer("group", torch.zeros(n, dtype=torch.int64))
        self.register_buffer("group_share", torch.ones(groups) / groups)
        self.register_buffer("kernel", hour_kernel(self.width_h), persistent=False)

    def count(self, source: CheckInSource) -> None:
        """Count categories by hour, and what follows what."""
        log, items, n = source.log, source.dataset.items, len(self.share)
        of_item = items.codes("category")[0]
        training = log.split == "train"
        kind, hour = of_item[log.item[training]], np.floor(log.hour[training]).astype(np.int64) % HOURS
        weekend = (log.weekday[training] >= 5).astype(np.int64)
        cells = np.bincount((weekend * HOURS + hour) * n + kind, minlength=2 * HOURS * n).reshape(2, HOURS, n)
        smooth = np.einsum("hk,dhc->dkc", hour_kernel(self.width_h).numpy(), cells.astype(np.float64))
        self.by_hour.copy_(torch.from_numpy(smooth + self.other_day * smooth[::-1]))
        share = np.bincount(kind, minlength=n) + 1.0
        self.share.copy_(torch.from_numpy(share / share.sum()))
        first, second = log.steps
        counted = training[second]
        pairs = of_item[log.item[first[counted]]] * n + of_item[log.item[second[counted]]]
        self.after.copy_(torch.from_numpy(np.bincount(pairs, minlength=n * n).reshape(n, n)))
        group = np.zeros(n, dtype=np.int64)
        group[of_item] = items.codes("category_group")[0]
        self.group.copy_(torch.from_numpy(group))
        self.group_share.zero_().scatter_add_(0, self.group, self.share)

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield the lifts by hour, by the user's past, by the groups of it, and after the last place."""
        kind = catalogue.category
        later_kind = kind[view.later_item.clamp_min(0)]
        n = len(self.share)
        weight = self.kernel[view.later_hour, view.hour[:, None]]
        weight = weight * torch.where(view.later_weekend == view.weekend[:, None], 1.0, self.other_day)
        now = self.by_hour[view.weekend, view.hour] - view.later_sum(later_kind, weight, n)
        yield view.at_places_of(self._lift(now, self.share), kind)
        past = torch.zeros(len(view), n, device=kind.device).index_add_(1, kind, view.visits)
        yield view.at_places_of(self._lift(past, self.share), kind)
        groups = torch.zeros(len(view), len(self.group_share), device=kind.device).index_add_(1, self.group, past)
        yield view.at_places_of(self._lift(groups, self.group_share), self.group[kind])
        last = kind[view.last.clamp_min(0)]
        follows = (view.later_before >= 0) & (kind[view.later_before.clamp_min(0)] == last[:, None])
        after = self.after[last] - view.later_sum(later_kind, follows, n)
        yield view.at_places_of(self._lift(after, self.share) * (view.last >= 0)[:, None], kind)

    def _lift(self, count: Tensor, share: Tensor) -> Tensor:
        """Return the logarithm of smoothed shares (B, S) over the overall ones (S,)."""
        count = count.clamp_min(0)
        smoothed = (count + self.prior * share) / (count.sum(1, keepdim=True) + self.prior)
        return torch.log(smoothed.clamp_min(1e-9) / share.clamp_min(1e-9))
