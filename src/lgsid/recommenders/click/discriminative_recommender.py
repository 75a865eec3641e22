"""What discriminative recommenders share: they learn to tell the place somebody went to from others."""

from __future__ import annotations

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.recommenders.ctr import CTRRecommender
from lgsid.recommenders.recommender import CheckInSource, take
from lgsid.typing import CTRBatch, DataShape, SequenceBatch

CELLS = 1 << 19  # histories times candidates that are scored at once


class DiscriminativeRecommender(CTRRecommender):
    """Score a candidate place for a user at a time; trained with binary cross-entropy on positives and negatives.

    Buffers beside those of `Recommender`: `item_category`, `item_brand` (N,), `item_region` (N, R).

    Args:
        optimizer: Makes the optimizer from the parameters.
    """

    item_category: Tensor
    item_brand: Tensor
    item_region: Tensor

    def __init__(self, optimizer: OptimizerCallable) -> None:
        super().__init__(optimizer)

    def build(self, shape: DataShape) -> None:
        """Create the buffers of the catalogue's attributes."""
        super().build(shape)
        self.register_buffer("item_category", torch.zeros(shape.n_items, dtype=torch.int64))
        self.register_buffer("item_brand", torch.zeros(shape.n_items, dtype=torch.int64))
        self.register_buffer("item_region", torch.zeros(shape.n_items, len(shape.n_regions), dtype=torch.int64))

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the buffers from the datamodule."""
        super().take_catalogue(source)
        items = source.dataset.items
        self.item_category.copy_(torch.from_numpy(items.codes("category")[0]))
        self.item_brand.copy_(torch.from_numpy(items.codes("brand")[0]))
        regions = [items.codes(column)[0] for column in items.region_columns]
        if regions:
            self.item_region.copy_(torch.from_numpy(np.stack(regions, axis=1)))

    def km_from_last(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return the distance of candidates (B, C) from each user's last place, NaN where unknown. (B, C) float64."""
        last = batch.history[:, -1:]
        lat, lon = self.item_lat_deg, self.item_lon_deg
        origin = last.clamp_min(0)
        km = haversine_m(lat[origin], lon[origin], lat[candidate], lon[candidate]) / 1e3
        return km.masked_fill(last < 0, torch.nan)

    def log_popularity(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return the logarithm of one plus the training check-ins of candidates (B, C), shape (B, C) float32.

        While training, a positive is itself one of the check-ins that were counted, and is left out: otherwise the
        model would learn that positives are more popular than they are for a check-in that is yet to come.
        """
        count = self.item_count[candidate]
        if self.training:
            count = count - (candidate == batch.target[:, None]).long()
        return (count.clamp_min(0) + 1).double().log().float()

    def training_step(self, batch: CTRBatch, batch_idx: int) -> Tensor:
        """Return the binary cross-entropy of a batch of samples.

        Raises:
            LgsidError: if the datamodule serves no labels.
        """
        if not isinstance(batch, CTRBatch):
            raise LgsidError(f"{type(self).__name__}: it learns from positives and negatives; use data class CTRData")
        loss = binary_cross_entropy_with_logits(self.sample_scores(batch), batch.label)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch.label))
        return loss

    @torch.no_grad()
    def scores(self, batch: SequenceBatch) -> Tensor:
        """Return the logits of all items, shape (B, N), computed in chunks, without dropout in training mode too."""
        training = self.training
        self.eval()
        n_items, rows = len(self.item_lat_deg), len(batch.row)
        length = max(1, batch.history.shape[1])
        width = max(1, min(n_items, CELLS // length))
        size = max(1, CELLS // (length * width))
        everything = torch.arange(n_items, device=self.item_lat_deg.device)
        chunks = []
        for start in range(0, rows, size):
            part = take(batch, torch.arange(start, min(start + size, rows), device=batch.row.device))
            candidates = (everything[i : i + width] for i in range(0, n_items, width))
            logits = [self.candidate_scores(part, c.expand(len(part.row), -1)) for c in candidates]
            chunks.append(torch.cat(logits, dim=1))
        self.train(training)
        return torch.cat(chunks)
