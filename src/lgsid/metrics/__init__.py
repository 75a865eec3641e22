"""Metrics: torchmetrics classes over `lgsid.functional`."""

from lgsid.metrics.ranking import RankingMetrics

__all__ = ["RankingMetrics"]
