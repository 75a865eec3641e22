"""Metrics: torchmetrics classes over `lgsid.functional`."""

from lgsid.metrics.card import flat_metrics, quality_card
from lgsid.metrics.card_view import render_card
from lgsid.metrics.neighbourhood import NeighbourhoodMetrics
from lgsid.metrics.ranking import RankingMetrics

__all__ = ["NeighbourhoodMetrics", "RankingMetrics", "flat_metrics", "quality_card", "render_card"]
