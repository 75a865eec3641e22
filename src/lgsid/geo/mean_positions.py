"""Mean positions of groups of places."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.geo.fourier_geo_encoder import surface_point_m


def mean_positions(lat_deg: Tensor, lon_deg: Tensor, groups: Tensor, n_groups: int) -> Tensor:
    """Return the mean latitude and longitude of the places of each group, also across the date line.

    Args:
        lat_deg: (N,) float64.
        lon_deg: (N,) float64.
        groups: (N,) int64, 0 to below `n_groups`.
        n_groups: G.

    Returns:
        (G, 2) float64 degrees; a group without places has the mean of all.
    """
    points = surface_point_m(lat_deg, lon_deg)
    sums = torch.zeros(n_groups, 3, dtype=torch.float64, device=points.device).index_add_(0, groups, points)
    counts = groups.bincount(minlength=n_groups)[:, None]
    middle = torch.where(counts > 0, sums, points.sum(dim=0))
    lat = torch.atan2(middle[:, 2], middle[:, :2].norm(dim=1))
    return torch.rad2deg(torch.stack([lat, torch.atan2(middle[:, 1], middle[:, 0])], dim=1))
