"""How often a place is visited, at all and at this hour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import HOURS, QueryView
from lgsid.typing import DataShape


class PopularityEvidence(Evidence):
    """Training check-ins of a place, and how much more of them fall on this hour than of all check-ins.

    The share of the hour is smoothed over neighboring hours and towards the share of the place's category.

    Args:
        width_h: Standard deviation of the smoothing, in hours.
        prior: Check-ins that the share of the category counts for.
    """

    n_columns = 2
    by_hour: Tensor  # (N, 24) check-ins of each item, smoothed over hours
    expected: Tensor  # (C, 24) share of the hours in each category
    overall: Tensor  # (24,) share of the hours
    kernel: Tensor  # (24, 24)

    def __init__(self, width_h: float = 2.0, prior: float = 5.0) -> None:
        super().__init__()
        self.width_h = width_h
        self.prior = prior

    def build(self, shape: DataShape) -> None:
        """Create the tables of hours."""
        self.register_buffer("by_hour", torch.zeros(shape.n_items, HOURS))
        self.register_buffer("expected", torch.ones(shape.n_categories, HOURS) / HOURS)
        self.register_buffer("overall", torch.ones(HOURS) / HOURS)
        self.register_buffer("kernel", hour_kernel(self.width_h), persistent=False)

    def count(self, source: CheckInSource) -> None:
        """Count check-ins by hour."""
        kernel, log = hour_kernel(self.width_h).numpy(), source.log
        training = log.split == "train"
        item, hour = log.item[training], np.floor(log.hour[training]).astype(np.int64) % HOURS
        category, names = source.dataset.items.codes("category")
        by_hour = table_of(item, hour, len(source.dataset.items)) @ kernel
        overall = by_hour.sum(0) + 1.0
        overall /= overall.sum()
        cells = table_of(category[item], hour, len(names)) @ kernel + self.prior * overall
        self.by_hour.copy_(torch.from_numpy(by_hour))
        self.overall.copy_(torch.from_numpy(overall))
        self.expected.copy_(torch.from_numpy(cells / cells.sum(1, keepdims=True)))

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield the logarithm of the check-ins, and of the lift of the hour."""
        count = view.at_places(view.seen(catalogue.count - view.later))
        yield torch.log(count + 0.1)
        near = self.kernel[view.later_hour, view.hour[:, None]]
        here = self.by_hour.T[view.hour] - view.later_sum(view.later_item, near, len(catalogue))
        expected = view.at_places_of(self.expected.T[view.hour], catalogue.category)
        share = (view.at_places(view.seen(here)) + self.prior * expected) / (count + self.prior)
        yield torch.log(share / self.overall[view.hour][:, None])


def hour_kernel(width_h: float) -> Tensor:
    """Return how much a check-in at one hour (row) counts at another (column), shape (24, 24), rows sum to one."""
    hour = torch.arange(HOURS)
    apart = (hour[:, None] - hour).abs()
    kernel = torch.exp(-0.5 * (torch.minimum(apart, HOURS - apart) / width_h) ** 2)
    return kernel / kernel.sum(1, keepdim=True)


def table_of(row: np.ndarray, hour: np.ndarray, n_rows: int) -> np.ndarray:
    """Count pairs of row and hour, shape (n_rows, 24) float64."""
    return np.bincount(row * HOURS + hour, minlength=n_rows * HOURS).reshape(n_rows, HOURS).astype(np.float64)
