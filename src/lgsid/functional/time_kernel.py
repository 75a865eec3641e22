"""How much a past visit says of another moment."""

from __future__ import annotations

import torch
from torch import Tensor

DAY_H, DAY_S = 24.0, 86400.0
SATURDAY = 5  # weekday from which on it is the weekend


def visit_weights(
    visit_hour: Tensor,
    visit_weekday: Tensor,
    age_s: Tensor,
    hour: Tensor,
    weekday: Tensor,
    hour_width: float = 2.0,
    age_days: float = 30.0,
    other_day_weight: float = 0.5,
) -> Tensor:
    """Weigh visits by time of day, age and kind of day: `exp(-(dh / hour_width)^2 / 2) * exp(-age / age_days)`.

    dh is the circular difference of local hours. All tensors broadcast.

    Args:
        visit_hour: Local hours of the visits, 0..24.
        visit_weekday: Their weekdays, 0 is Monday.
        age_s: Seconds from the visits to the moment.
        hour: Local hour of the moment.
        weekday: Its weekday.
        hour_width: Standard deviation of the kernel over hours.
        age_days: Age after which a visit weighs 1/e.
        other_day_weight: Factor where one of the two is on a weekend and the other is not.

    Returns:
        The broadcast shape.
    """
    apart = (visit_hour - hour).abs()
    apart = torch.minimum(apart, DAY_H - apart)
    weight = torch.exp(-((apart / hour_width) ** 2) / 2 - age_s / (DAY_S * age_days))
    same_kind = (visit_weekday >= SATURDAY) == (weekday >= SATURDAY)
    return torch.where(same_kind, weight, weight * other_day_weight)
