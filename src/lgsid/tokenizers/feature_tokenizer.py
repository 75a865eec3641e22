"""Tokenizer of what a place is, where it lies, when and by whom it is visited, without any text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from pandas.util import hash_array
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.geo.geo_encoder import GeoEncoder
from lgsid.geo.plus_code_geo_encoder import PlusCodeGeoEncoder
from lgsid.quantizers.even_use import EvenUse
from lgsid.quantizers.learned_rqvae import LearnedRQVAE
from lgsid.quantizers.quantizer import Quantizer
from lgsid.tokenizers.attribute_encoders import AttributeEncoder, OneHotAttributes
from lgsid.tokenizers.co_visit_factors import CoVisitFactors
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.embedding_tokenizer import EmbeddingTokenizer
from lgsid.tokenizers.hier_tokenizer import empty_items
from lgsid.tokenizers.visit_hours import VisitHours
from lgsid.tokenizers.visit_signal import VisitSignal
from lgsid.tokenizers.visits import Visits
from lgsid.typing import DataShape, ItemBatch

TINY = 1e-12


class FeatureTokenizer(EmbeddingTokenizer):
    """Quantize `[category, position, hours of visits, co-visits]` of places; needs no vectors of a text encoder.

    Each part is scaled so that two random places are about its weight apart in it. What check-ins tell is counted in
    the training split and kept under a hash of the place's id; a place that is new, or had no check-in, has zeros there
    (`VisitSignal`), and is told by category and position.

    Source: GNPR-SID (arXiv 2506.01375): `p = concat(category, region, time, users)` into an RQ-VAE with a diversity
    loss. There the parts are one-hot or marks; regions are cells of Plus Codes, as here, and visitors are marked one by
    one, where ours are `CoVisitFactors`, so that no checkpoint tells who went where.

    Args:
        codebook_sizes: Number of codes of each level.
        quantizer: Quantizer of the features; `LearnedRQVAE` with `EvenUse` if not given.
        geo_encoder: Encoder of positions; six digits of `PlusCodeGeoEncoder` if not given.
        attributes: Encoder of category, brand and regions; the category alone, one-hot, if not given.
        signals: What check-ins tell of places; `VisitHours` and `CoVisitFactors` if not given.
        geo_weight: Weight of the position.
        signal_weights: Weights of the signals; 1 each if not given.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        optimizer: Optimizer for the quantizer, if it has parameters.
    """

    carries = "what check-ins tell of each place, under a hash of its id: shares by hour, factors of co-visits"

    place_hash: Tensor
    signal: Tensor

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (128, 64, 64),
        quantizer: Quantizer | None = None,
        geo_encoder: GeoEncoder | None = None,
        attributes: AttributeEncoder | None = None,
        signals: list[VisitSignal] | None = None,
        geo_weight: float = 1.0,
        signal_weights: Sequence[float] | None = None,
        collisions: CollisionStrategy | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        learned = quantizer or LearnedRQVAE(losses=[EvenUse()], loss_weights=[0.05])
        super().__init__(learned, codebook_sizes, False, collisions, optimizer)
        self.save_hyperparameters()
        self.geo_encoder = geo_encoder or PlusCodeGeoEncoder(digits=(6,))
        self.attributes = attributes or OneHotAttributes(0.0, 1.0, 0.0, 0.0)
        self.signals = [VisitHours(), CoVisitFactors()] if signals is None else list(signals)
        weights = [1.0] * len(self.signals) if signal_weights is None else [float(w) for w in signal_weights]
        if len(weights) != len(self.signals):
            raise LgsidError(
                f"FeatureTokenizer: {len(self.signals)} signals but signal_weights {weights}; give one each"
            )
        if not all(0 <= weight < math.inf for weight in (geo_weight, *weights)):
            raise LgsidError(f"FeatureTokenizer: weights must be numbers from 0 up, got {geo_weight}, {weights}")
        self.geo_weight, self.signal_weights = geo_weight, weights
        self.register_buffer("place_hash", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("signal", torch.zeros(0, self.signal_width))

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level: those of the quantizer."""
        return self.quantizer.codebook_sizes

    @property
    def signal_width(self) -> int:
        """Width of all signals together."""
        return sum(signal.width for signal in self.signals)

    def build(self, shape: DataShape) -> None:
        """Create the mean and the quantizer's codebooks."""
        self.attributes.build(shape)
        width = self.features(empty_items(shape)).shape[1]
        self.register_buffer("mean", torch.zeros(width))
        self.quantizer.build(width)

    def count_check_ins(self, items: ItemBatch, visits: Visits) -> None:
        """Keep the signals of the items to fit on, each scaled by its weight."""
        parts = []
        for signal, weight in zip(self.signals, self.signal_weights, strict=True):
            values = signal.of(visits)
            apart = math.sqrt(2.0 * max(float(np.square(values, dtype=np.float64).sum(axis=1).mean()), TINY))
            parts.append(values * np.float32(weight / apart))
        empty = np.zeros((visits.n_places, 0), np.float32)
        hashes, order = id_hashes(items).sort()
        self.place_hash = hashes.to(self.device)
        self.signal = torch.from_numpy(np.concatenate([empty, *parts], axis=1))[order].to(self.device)

    def known_signals(self, items: ItemBatch) -> Tensor:
        """Return the signals that were kept of items, zeros for items that were not fitted on, `(B, W)`."""
        wanted = id_hashes(items).to(self.place_hash.device)
        if not len(self.place_hash):
            return self.signal.new_zeros(len(items), self.signal_width)
        at = torch.searchsorted(self.place_hash, wanted).clamp_max(len(self.place_hash) - 1)
        return self.signal[at] * (self.place_hash[at] == wanted)[:, None]

    def features(self, items: ItemBatch) -> Tensor:
        """Return the features `[position, attributes, signals]` of items, each part by its weight, `(B, F)`."""
        position = self.geo_weight * self.geo_encoder(items.lat_deg, items.lon_deg)
        return torch.cat([position, self.attributes(items), self.known_signals(items)], dim=1)

    def vectors(self, items: ItemBatch) -> Tensor:
        """Return the features of items, centered, `(B, F)`."""
        return self.features(items) - self.mean

    def fit_codebooks(self, items: ItemBatch) -> None:
        """Fit the encoder of positions, compute the mean and initialize the codebooks."""
        self.geo_encoder.fit(items.lat_deg, items.lon_deg)
        super().fit_codebooks(items)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Make room for as many places as the checkpoint knows."""
        for name in ("place_hash", "signal"):
            kept = state_dict.get(prefix + name)
            if kept is not None:
                setattr(self, name, torch.empty_like(kept, device=getattr(self, name).device))
        super()._load_from_state_dict(state_dict, prefix, *args)


def id_hashes(items: ItemBatch) -> Tensor:
    """Return a hash of each item's id, `(B,)` int64."""
    hashes = hash_array(np.asarray(items.item_id, dtype=object), categorize=False)
    return torch.from_numpy(hashes.view(np.int64).copy())
