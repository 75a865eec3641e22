"""Places whose visitors are the same."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from implicit.nearest_neighbours import ItemItemRecommender
from scipy.sparse import csr_matrix
from torch import Tensor

from lgsid.recommenders import CountingRecommender
from lgsid.typing import DataShape
from lgsid_implicit.matrix_recommender import Floats, IntArray, MatrixRecommender


class ItemKNN(MatrixRecommender):
    """Rank places by their similarity to the places of the user's past (item-based k nearest neighbors).

    `score(j) = sum over past visits of similarity(place, j)`, of each place to its k nearest, itself among them. A
    subclass chooses the similarity.

    Args:
        neighbours: Number of nearest places (k) that each place keeps, itself counted.
    """

    carries: ClassVar[str] = f"{CountingRecommender.carries}, of each place those with the same visitors"

    neighbor: Tensor  # (2, N, K) int64 item rows
    similarity: Tensor  # (2, N, K) float64, 0 where a place has fewer than K neighbors

    def __init__(self, neighbours: int) -> None:
        super().__init__()
        self.check_positive(neighbours=neighbours)
        self.neighbours = neighbours

    @abstractmethod
    def model(self) -> ItemItemRecommender:
        """Return the model of the library, not fitted."""

    def build(self, shape: DataShape) -> None:
        """Create the table of neighbors."""
        super().build(shape)
        size = 2, shape.n_items, min(self.neighbours, shape.n_items)
        self.register_buffer("neighbor", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("similarity", torch.zeros(size, dtype=torch.float64))

    def fit_matrix(self, phase: int, user_items: csr_matrix) -> None:
        """Find the neighbors of all places."""
        model = self.model()
        model.fit(user_items, show_progress=False)
        found = model.similarity.copy()
        found.eliminate_zeros()  # the library pads short lists with zeros of the first place
        row = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
        column = np.arange(found.nnz) - found.indptr[row]
        neighbor, similarity = np.zeros(self.neighbor.shape[1:], np.int64), np.zeros(self.neighbor.shape[1:])
        neighbor[row, column], similarity[row, column] = found.indices, found.data
        self.keep("neighbor", phase, neighbor)
        self.keep("similarity", phase, similarity)

    def score_matrix(self, phase: int, user_items: csr_matrix, user: IntArray) -> Floats:
        """Return the sums of similarities, shape (B, N)."""
        neighbor, similarity = self.kept("neighbor", phase), self.kept("similarity", phase)
        n, k = neighbor.shape
        table = csr_matrix((similarity.ravel(), neighbor.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
        scores: Floats = (user_items @ table).toarray()
        return scores
