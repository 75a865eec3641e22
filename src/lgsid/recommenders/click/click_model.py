"""Click model: embedding tables and a final network around an interest extractor."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.recommenders.click.discriminative_recommender import DiscriminativeRecommender
from lgsid.recommenders.click.distance_features import DistanceFeatures, LogDistance
from lgsid.recommenders.click.event_context import N_CONTEXT, event_context
from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, Interest, InterestExtractor
from lgsid.recommenders.click.place_pairs import PlacePairs
from lgsid.recommenders.click.sid_features import LevelSids, SidFeatures
from lgsid.typing import CTRBatch, DataShape, SequenceBatch


class ClickModel(DiscriminativeRecommender):
    """Click-through-rate model: embeddings of place, user and time, an interest extractor, and a final network.

    A place is its id, category, brand, regions and semantic ID, a query is user, hour and weekday; the distance from
    the last place to the candidate joins them. `sid_features`, `distance_features` and `attribute_width` are the parts
    to swap when asking what semantic IDs add (see docs/evaluation.md): attributes tell much of what they tell.

    Args:
        extractor: What the history says about a candidate; `TargetAttention` makes it a Deep Interest Network.
        sid_features: How semantic IDs are seen; `NoSids` leaves them out.
        distance_features: How the distance from the last place is seen; `NoDistance` leaves it out.
        width: Width D of the embedding of a place.
        id_width: Width of the embeddings of items and users; 0 leaves ids out.
        attribute_width: Width of the embeddings of category, brand and regions; 0 leaves these attributes out.
        units: Hidden units of the final network, two layers: this many and half of it.
        dropout: Dropout of the final network.
        context_width: Width of the embeddings of hour and weekday; that of attributes by default.
        optimizer: Optimizer for all weights.
    """

    def __init__(
        self,
        extractor: InterestExtractor,
        sid_features: SidFeatures | None = None,
        distance_features: DistanceFeatures | None = None,
        width: int = 32,
        id_width: int = 16,
        attribute_width: int = 8,
        units: int = 64,
        dropout: float = 0.1,
        context_width: int | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=2e-3, weight_decay=1e-2),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        self.sid_features = LevelSids() if sid_features is None else sid_features
        self.distance_features = LogDistance() if distance_features is None else distance_features
        self.extractor = extractor
        self.width, self.id_width, self.attribute_width = width, id_width, attribute_width
        self.context_width = attribute_width if context_width is None else context_width
        self.units, self.dropout = units, dropout

    def build(self, shape: DataShape) -> None:
        """Create tables and layers.

        Raises:
            LgsidError: if semantic IDs are asked for and the data carry none.
        """
        super().build(shape)
        if self.sid_features.needs_sids and not shape.codebook_sizes:
            model, name = type(self).__name__, type(self.sid_features).__name__
            raise LgsidError(
                f"{model}: {name} needs semantic IDs; give data.init_args.sids, or set sid_features to NoSids"
            )
        self.sid_features.build(shape.codebook_sizes)
        small = self.attribute_width
        self.item_table = table(shape.n_items, self.id_width)
        self.user_table = table(max(1, shape.n_users) + 1, self.id_width)  # the last one is the unknown user
        self.category_table = table(max(1, shape.n_categories), small)
        self.brand_table = table(max(1, shape.n_brands), small)
        self.region_tables = nn.ModuleList(table(size, small) for size in shape.n_regions)
        self.hour_table = table(24, self.context_width)
        self.weekday_table = table(7, self.context_width)
        attributes = small * (2 + len(shape.n_regions))
        self.project = nn.Linear(self.id_width + attributes + self.sid_features.dim, self.width)
        extractor = self.extractor
        pairs = self.pairs
        extractor.build(ClickSizes(self.width, N_CONTEXT, pairs.n_match, pairs.n_cross, shape.n_items))
        del self.extractor
        self.extractor = extractor  # again: optimizers and norms of gradients see parameters in the order of creation
        of_query = self.id_width + 2 * self.context_width
        known = self.width + self.extractor.dim + of_query + self.distance_features.dim + 1
        self.final = nn.Sequential(
            nn.Linear(known, self.units),
            nn.ReLU(),
            nn.Dropout(self.dropout),
            nn.Linear(self.units, max(1, self.units // 2)),
            nn.ReLU(),
            nn.Linear(max(1, self.units // 2), 1),
        )

    @property
    def pairs(self) -> PlacePairs:
        """What events and candidates are compared with."""
        return PlacePairs(
            self.catalogue, self.distance_features, self.sid_features.needs_sids, self.attribute_width > 0
        )

    def embed_items(self, rows: Tensor) -> Tensor:
        """Return the embeddings of items (...), shape (..., D). Each distinct item is computed once."""
        distinct, where = torch.unique(rows, return_inverse=True)
        catalogue = self.catalogue
        parts = [self.item_table(distinct), self.category_table(catalogue.category[distinct])]
        parts.append(self.brand_table(catalogue.brand[distinct]))
        parts += [t(catalogue.region[distinct, level]) for level, t in enumerate(self.region_tables)]
        parts.append(self.sid_features(catalogue.codes[distinct]))
        return torch.tanh(self.project(torch.cat(parts, dim=-1)))[where]

    def embed_queries(self, batch: SequenceBatch) -> Tensor:
        """Return the embeddings of user, hour and weekday of B queries, shape (B, Q)."""
        unknown = self.user_table.num_embeddings - 1
        user = torch.where(batch.user >= 0, batch.user, unknown)
        parts = [
            self.user_table(user.clamp_max(unknown)),
            self.hour_table(batch.hour.floor().long() % 24),
            self.weekday_table(batch.weekday),
        ]
        return torch.cat(parts, dim=-1)

    def candidate_scores(self, batch: SequenceBatch, candidate: Tensor) -> Tensor:
        """Return logits of candidates (B, C), shape (B, C)."""
        return self._logits(batch, candidate)[0]

    def training_logits(self, batch: CTRBatch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return logits of the candidates of B queries, (B, C), and the auxiliary losses of the extractor by name."""
        logits, interest = self._logits(batch, batch.candidate, batch.label)
        return logits, interest.losses

    def _logits(self, batch: SequenceBatch, candidate: Tensor, label: Tensor | None = None) -> tuple[Tensor, Interest]:
        mask = batch.history >= 0
        history = batch.history.clamp_min(0)
        vectors = self.embed_items(torch.cat([history, candidate], dim=1))
        event, target = vectors[:, : history.shape[1]], vectors[:, history.shape[1] :]
        context = event_context(batch, mask)
        inputs = ClickInputs(event, context, mask, target, history, candidate, self.embed_items, self.pairs, label)
        interest = self.extractor(inputs)
        query = self.embed_queries(batch)[:, None].expand(*candidate.shape, -1)
        distance = self.distance_features(self.km_from_last(batch, candidate))
        popularity = self.log_popularity(batch, candidate)[..., None] / 4
        features = torch.cat([target, interest.vector, query, distance, popularity], dim=-1)
        return self.final(features)[..., 0], interest


def table(size: int, width: int) -> nn.Embedding:
    """Return an embedding table with vectors of about unit length."""
    made = nn.Embedding(size, width)
    nn.init.normal_(made.weight, std=max(1, width) ** -0.5)
    return made
