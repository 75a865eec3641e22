"""Matrix factorization by Bayesian personalized ranking."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from implicit.cpu.bpr import BayesianPersonalizedRanking
from scipy.sparse import csr_matrix
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders import CountingRecommender
from lgsid.typing import DataShape
from lgsid_implicit.matrix_recommender import Floats, IntArray, MatrixRecommender


class ImplicitBPR(MatrixRecommender):
    """Rank places by vectors that rank visited places above others (Rendle et al., UAI 2009, arXiv 1205.2618).

    A user's vector is that of the fit; what the user did later does not change it. Somebody unknown, or without
    check-ins in the fit, gets the biases of places alone.

    Args:
        factors: Width F of the vectors, without the bias of a place.
        learning_rate: Learning rate.
        regularization: Weight of the squared norm of the vectors.
        iterations: Epochs of the fit.
        seed: Random seed of the vectors at the start and of the pairs.
    """

    carries: ClassVar[str] = f"{CountingRecommender.carries}, of each place and of each user a vector"

    item_factors: Tensor  # (2, N, F + 1) float32, the last is the bias
    user_factors: Tensor  # (2, U + 1, F + 1) float32, the last is 1; the last row is of somebody unknown

    def __init__(
        self,
        factors: int = 64,
        learning_rate: float = 0.01,
        regularization: float = 0.01,
        iterations: int = 100,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.check_positive(factors=factors, iterations=iterations)
        if regularization < 0 or learning_rate <= 0:
            raise LgsidError(
                f"ImplicitBPR: regularization must not be negative and learning_rate be positive, not"
                f" {regularization:g} and {learning_rate:g}"
            )
        self.factors, self.learning_rate, self.regularization = factors, learning_rate, regularization
        self.iterations, self.seed = iterations, seed

    def build(self, shape: DataShape) -> None:
        """Create the vectors of places and users."""
        super().build(shape)
        self.register_buffer("item_factors", torch.zeros(2, shape.n_items, self.factors + 1))
        self.register_buffer("user_factors", torch.zeros(2, shape.n_users + 1, self.factors + 1))

    def fit_matrix(self, phase: int, user_items: csr_matrix) -> None:
        """Learn the vectors."""
        model = BayesianPersonalizedRanking(
            factors=self.factors,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            iterations=self.iterations,
            num_threads=1,  # more would race
            random_state=self.seed,
        )
        model.fit(user_items, show_progress=False)
        users = np.zeros(self.user_factors.shape[1:], dtype=np.float32)
        users[:-1] = np.where(np.diff(user_items.indptr)[:, None] > 0, model.user_factors, 0)
        users[:, -1] = 1
        self.keep("item_factors", phase, model.item_factors)
        self.keep("user_factors", phase, users)

    def score_matrix(self, phase: int, user_items: csr_matrix, user: IntArray) -> Floats:
        """Return the products of the vectors, shape (B, N)."""
        users = self.kept("user_factors", phase)
        known = np.where((user >= 0) & (user < len(users) - 1), user, len(users) - 1)
        scores: Floats = users[known] @ self.kept("item_factors", phase).T
        return scores
