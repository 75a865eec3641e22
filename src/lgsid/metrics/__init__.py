"""Metrics: torchmetrics classes over `lgsid.functional`."""

from lgsid.metrics.card import flat_metrics, quality_card
from lgsid.metrics.card_view import render_card
from lgsid.metrics.neighborhood import NeighborhoodMetrics
from lgsid.metrics.ranking import RankingMetrics

__all__ = ["NeighborhoodMetrics", "RankingMetrics", "flat_metrics", "quality_card", "render_card"]
