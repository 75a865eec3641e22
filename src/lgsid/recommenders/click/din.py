"""Deep Interest Network with semantic IDs as features."""

from __future__ import annotations

import math

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.recommenders.click.discriminative_recommender import DiscriminativeRecommender
from lgsid.recommenders.click.distance_features import DistanceFeatures, LogDistance
from lgsid.recommenders.click.sid_features import LevelSids, SidFeatures
from lgsid.recommenders.click.target_attention import TargetAttention
from lgsid.typing import DataShape, SequenceBatch

DAY_S = 86_400.0
SATURDAY = 5
N_CONTEXT = 5  # log age, recency, hour kernel of two widths, same kind of day


class DIN(DiscriminativeRecommender):
    """Deep Interest Network (arXiv 1706.06978): the candidate attends to the places of the history.

    A place is its id, category, brand, regions and semantic ID, a query is user, hour and weekday; the distance from
    the last place to the candidate joins them. `sid_features` and `distance_features` are the parts to swap when asking
    what semantic IDs add (FIELD 3.5).

    Args:
        sid_features: How semantic IDs are seen; `NoSids` leaves them out.
        distance_features: How the distance from the last place is seen; `NoDistance` leaves it out.
        width: Width D of a place.
        id_width: Width of the embeddings of items and users; 0 leaves ids out.
        attribute_width: Width of the embeddings of category, brand, regions, hour and weekday.
        attention_units: Hidden units of the attention.
        units: Hidden units of the final network, two layers: this many and half of it.
        dropout: Of the final network.
        optimizer: Makes the optimizer from the parameters.
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
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=2e-3, weight_decay=1e-2),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.sid_features = LevelSids() if sid_features is None else sid_features
        self.distance_features = LogDistance() if distance_features is None else distance_features
        self.width, self.id_width, self.attribute_width = width, id_width, attribute_width
        self.attention_units, self.units, self.dropout = attention_units, units, dropout

    def build(self, shape: DataShape) -> None:
        """Create tables and layers.

        Raises:
            LgsidError: if semantic IDs are asked for and the data carry none.
        """
        super().build(shape)
        if self.sid_features.needs_sids and not shape.codebook_sizes:
            name = type(self.sid_features).__name__
            raise LgsidError(f"DIN: {name} needs semantic IDs; give data.init_args.sids, or set sid_features to NoSids")
        self.sid_features.build(shape.codebook_sizes)
        levels = len(shape.codebook_sizes) if self.sid_features.needs_sids else 0
        small = self.attribute_width
        self.item_table = table(shape.n_items, self.id_width)
        self.user_table = table(max(1, shape.n_users) + 1, self.id_width)  # the last one is the unknown user
        self.category_table = table(max(1, shape.n_categories), small)
        self.brand_table = table(max(1, shape.n_brands), small)
        self.region_tables = nn.ModuleList(table(size, small) for size in shape.n_regions)
        self.hour_table = table(24, small)
        self.weekday_table = table(7, small)
        attributes = small * (2 + len(shape.n_regions))
        self.project = nn.Linear(self.id_width + attributes + self.sid_features.dim, self.width)
        self.attention = TargetAttention(self.width, N_CONTEXT, 2 + levels, self.attention_units)
        known = self.width + self.attention.dim + self.id_width + 2 * small + self.distance_features.dim + 1
        self.final = nn.Sequential(
            nn.Linear(known, self.units),
            nn.ReLU(),
            nn.Dropout(self.dropout),
            nn.Linear(self.units, max(1, self.units // 2)),
            nn.ReLU(),
            nn.Linear(max(1, self.units // 2), 1),
        )

    def places(self, rows: Tensor) -> Tensor:
        """Return the vectors of items (...), shape (..., D). Each distinct item is computed once."""
        distinct, where = torch.unique(rows, return_inverse=True)
        parts = [self.item_table(distinct), self.category_table(self.catalogue.category[distinct])]
        parts.append(self.brand_table(self.catalogue.brand[distinct]))
        parts += [t(self.catalogue.region[distinct, level]) for level, t in enumerate(self.region_tables)]
        parts.append(self.sid_features(self.catalogue.codes[distinct]))
        return torch.tanh(self.project(torch.cat(parts, dim=-1)))[where]

    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return logits of candidates (B, C), shape (B, C)."""
        mask = batch.history >= 0
        history = batch.history.clamp_min(0)
        n_queries, n_candidates = candidate.shape
        vectors = self.places(torch.cat([history, candidate], dim=1))
        event, target = vectors[:, : history.shape[1]], vectors[:, history.shape[1] :]
        context = event_context(batch, mask)
        interest = self.attention(event, context, target, self.matches(history, candidate), mask)
        user = torch.where(batch.user >= 0, batch.user, self.user_table.num_embeddings - 1)
        query = torch.cat(
            [
                self.user_table(user.clamp_max(self.user_table.num_embeddings - 1)),
                self.hour_table(batch.hour.floor().long() % 24),
                self.weekday_table(batch.weekday),
            ],
            dim=-1,
        )
        distance = self.distance_features(self.km_from_last(batch, candidate))
        popularity = self.log_popularity(batch, candidate)[..., None] / 4
        query = query[:, None].expand(n_queries, n_candidates, -1)
        logits: Tensor = self.final(torch.cat([target, interest, query, distance, popularity], dim=-1))[..., 0]
        return logits

    def matches(self, history: Tensor, candidate: Tensor) -> Tensor:
        """Return what events (B, T) and candidates (B, C) share: place, category, semantic prefixes. (B, C, T, Y)."""
        past, here = history[:, None], candidate[:, :, None]
        shared = [past == here, self.catalogue.category[past] == self.catalogue.category[here]]
        if self.sid_features.needs_sids:
            prefix = torch.ones_like(shared[0])
            for codes in self.catalogue.codes.unbind(1):
                prefix = prefix & (codes[past] == codes[here])
                shared.append(prefix)
        return torch.stack(shared, dim=-1).float()


def table(size: int, width: int) -> nn.Embedding:
    """Return an embedding table with vectors of about unit length."""
    made = nn.Embedding(size, width)
    nn.init.normal_(made.weight, std=max(1, width) ** -0.5)
    return made


def event_context(batch: SequenceBatch, mask: Tensor) -> Tensor:
    """Describe when each event of the histories was, relative to the query.

    Args:
        batch: B queries with histories of length T.
        mask: Shape (B, T) bool, False at padding.

    Returns:
        Shape (B, T, 5) float32: log age, `exp(-age / 30 days)`, hour kernels of width 1 h and 3 h, same kind of day.
    """
    days = (batch.history_age_s / DAY_S).float()
    apart = (batch.history_hour - batch.hour[:, None]).abs().float()
    apart = torch.minimum(apart, 24 - apart)
    same_kind = (batch.history_weekday >= SATURDAY) == (batch.weekday >= SATURDAY)[:, None]
    parts = [
        (days + 0.01).log() / math.log(100.0),
        torch.exp(-days / 30),
        torch.exp(-(apart**2) / 2),
        torch.exp(-((apart / 3) ** 2) / 2),
        same_kind.float(),
    ]
    return torch.stack(parts, dim=-1).masked_fill(~mask[..., None], 0.0)
