"""Deep Interest Network with semantic IDs as features."""

from __future__ import annotations

import torch
from lightning.pytorch.cli import OptimizerCallable

from lgsid.recommenders.click.click_model import ClickModel
from lgsid.recommenders.click.distance_features import DistanceFeatures
from lgsid.recommenders.click.sid_features import SidFeatures
from lgsid.recommenders.click.target_attention import TargetAttention


class DIN(ClickModel):
    """Deep Interest Network (arXiv 1706.06978): a click model whose candidate attends to the places of the history.

    Args:
        sid_features: How semantic IDs are seen; `NoSids` leaves them out.
        distance_features: How the distance from the last place is seen; `NoDistance` leaves it out.
        width: Width D of the embedding of a place.
        id_width: Width of the embeddings of items and users; 0 leaves ids out.
        attribute_width: Width of the embeddings of category, brand and regions; 0 leaves these attributes out.
        attention_units: Hidden units of the attention.
        units: Hidden units of the final network, two layers: this many and half of it.
        dropout: Dropout of the final network.
        context_width: Width of the embeddings of hour and weekday; that of attributes by default.
        optimizer: Optimizer for all weights.
    """

    def __init__(
        self,
        sid_features: SidFeatures | None = None,
        distance_features: DistanceFeatures | None = None,
        width: int = 32,
        id_width: int = 16,
        attribute_width: int = 8,
        attention_units: int = 32,
        units: int = 64,
        dropout: float = 0.1,
        context_width: int | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=2e-3, weight_decay=1e-2),
    ) -> None:
        super().__init__(
            TargetAttention(attention_units),
            sid_features,
            distance_features,
            width,
            id_width,
            attribute_width,
            units,
            dropout,
            context_width,
            optimizer,
        )
