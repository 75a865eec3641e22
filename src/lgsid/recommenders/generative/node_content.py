"""Vectors of the places below a prefix: a generator of semantic IDs that knows what its nodes are like."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lgsid.errors import LgsidError
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.generative.generative_recommender import ChildLogits
from lgsid.recommenders.generative.node_logits import NodeLogits
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children, ItemTrie
from lgsid.typing import DataShape, SequenceBatch


class NodeContent(NodeLogits):
    """Add to the logit of each child node the product of a query vector and the mean vector of the places below it.

    The vectors come from the data (`data.init_args.embeddings`): of an aligned text encoder, for one. The query vector
    is a linear map of the encoder's state, of the last place's vector and of the mean over the past check-ins. With
    plain item IDs, whose nodes are the places, this is a dense retriever beside the logits of the IDs.

    Args:
        width: Dimension in which query and places are compared.
    """

    vectors: Tensor  # (N, E) of length one

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        if width < 1:
            raise LgsidError(f"NodeContent: width must be at least 1, not {width}")
        self.width = width

    def build(self, shape: DataShape, width: int) -> None:
        """Create the table of vectors and the linear maps.

        Raises:
            LgsidError: if the data have no vectors.
        """
        if not shape.embedding_dim:
            raise LgsidError("NodeContent: the data have no vectors; give data.init_args.embeddings")
        self.register_buffer("vectors", torch.zeros(shape.n_items, shape.embedding_dim))
        self.place = nn.Linear(shape.embedding_dim, self.width, bias=False)
        self.query = nn.Linear(width + 2 * shape.embedding_dim, self.width)

    def take(self, source: CheckInSource) -> None:
        """Take the vectors."""
        self.vectors.copy_(F.normalize(torch.from_numpy(source.embeddings.copy()), dim=1))  # type: ignore[attr-defined]

    def forward(self, batch: SequenceBatch, visits: Visits, state: Tensor, catalogue: Catalogue) -> ChildLogits:
        """Return what is added to the logits of children, shape (C,) float32; see `NodeLogits`."""
        history = batch.history
        known = (history >= 0).to(self.vectors.dtype)
        past = F.embedding_bag(history.clamp_min(0), self.vectors, mode="sum", per_sample_weights=known)
        last = self.vectors[history[:, -1].clamp_min(0)] * known[:, -1:]
        query = self.query(torch.cat([state, last, F.normalize(past, dim=1)], 1)) * self.width**-0.5
        means: list[Tensor] = catalogue.derived("node means", lambda: node_means(catalogue.trie, self.vectors))

        @cache  # a search asks for the nodes of a depth again and again
        def places_at(depth: int) -> Tensor:
            return self.place(means[depth])  # type: ignore[no-any-return]

        def logits(depth: int, children: Children) -> Tensor:
            places = places_at(depth + 1)  # (n, W)
            if len(children.node) < len(places):
                return (query[children.query] * places[children.node]).sum(1).float()  # type: ignore[no-any-return]
            table = (query @ places.T).flatten()  # many children of few nodes: all products, and then look-ups
            return table.index_select(0, children.query * len(places) + children.node).float()  # type: ignore[no-any-return]

        return logits


def node_means(trie: ItemTrie, vectors: Tensor) -> list[Tensor]:
    """Return mean vectors of the items below each node, by prefix sums over the sorted items.

    Args:
        trie: The semantic IDs.
        vectors: Shape (N, E), of the items.

    Returns:
        Shapes (n, E) by depth, 0..L + 1.
    """
    sums = F.pad(vectors[trie.order].double().cumsum(0), (0, 0, 1, 0))
    return [
        ((sums[level.end] - sums[level.start]) / (level.end - level.start)[:, None]).to(vectors.dtype)
        for level in trie.levels
    ]
