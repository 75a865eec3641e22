"""Metrics: torchmetrics classes over `lgsid.functional`, and the quality card, which needs no torchmetrics."""

from typing import TYPE_CHECKING

from lgsid.lazy_names import lazy_names

if TYPE_CHECKING:
    from lgsid.metrics.card import flat_metrics, quality_card
    from lgsid.metrics.card_comparison import compare_cards
    from lgsid.metrics.card_view import render_card
    from lgsid.metrics.neighborhood import NeighborhoodMetrics
    from lgsid.metrics.next_place_queries import NextPlaceQueries
    from lgsid.metrics.next_place_retrieval import NextPlaceRetrieval
    from lgsid.metrics.ranking import RankingMetrics

__all__ = [
    "NeighborhoodMetrics",
    "NextPlaceQueries",
    "NextPlaceRetrieval",
    "RankingMetrics",
    "compare_cards",
    "flat_metrics",
    "quality_card",
    "render_card",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "lgsid.metrics.card_comparison": ("compare_cards",),
        "lgsid.metrics.card": ("flat_metrics", "quality_card"),
        "lgsid.metrics.card_view": ("render_card",),
        "lgsid.metrics.neighborhood": ("NeighborhoodMetrics",),
        "lgsid.metrics.next_place_queries": ("NextPlaceQueries",),
        "lgsid.metrics.next_place_retrieval": ("NextPlaceRetrieval",),
        "lgsid.metrics.ranking": ("RankingMetrics",),
    },
)
