"""Matrix factorization by alternating least squares."""

from __future__ import annotations

from typing import ClassVar

import torch
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders import CountingRecommender
from lgsid.typing import DataShape
from lgsid_implicit.matrix_recommender import Floats, IntArray, MatrixRecommender


class ImplicitALS(MatrixRecommender):
    """Rank places by a factorization of the matrix of visits (Hu, Koren, Volinsky, ICDM 2008).

    A user's vector is solved anew for each query from the visits before it, with the vectors of places as they were
    fitted, so that somebody unknown with a past is a user like others. Somebody without a past scores all places 0.

    Args:
        factors: Width F of the vectors.
        regularization: Weight of the squared norm of the vectors.
        alpha: Factor on the number of visits; the confidence in a pair is this product, 1 where there was no visit.
        iterations: Rounds of the fit, each over users and places.
        seed: Random seed of the vectors at the start.
    """

    carries: ClassVar[str] = f"{CountingRecommender.carries}, of each place a vector"

    item_factors: Tensor  # (2, N, F) float32

    def __init__(
        self,
        factors: int = 64,
        regularization: float = 0.01,
        alpha: float = 1.0,
        iterations: int = 15,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.check_positive(factors=factors, iterations=iterations)
        if regularization < 0 or alpha <= 0:
            raise LgsidError(
                f"ImplicitALS: regularization must not be negative and alpha be positive, not {regularization:g} and"
                f" {alpha:g}"
            )
        self.factors, self.regularization, self.alpha = factors, regularization, alpha
        self.iterations, self.seed = iterations, seed

    def model(self) -> AlternatingLeastSquares:
        """Return the model of the library, not fitted."""
        return AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.regularization,
            alpha=self.alpha,
            iterations=self.iterations,
            num_threads=1,
            random_state=self.seed,
        )

    def build(self, shape: DataShape) -> None:
        """Create the vectors of places."""
        super().build(shape)
        self.register_buffer("item_factors", torch.zeros(2, shape.n_items, self.factors))

    def fit_matrix(self, phase: int, user_items: csr_matrix) -> None:
        """Factorize the matrix."""
        model = self.model()
        model.fit(user_items, show_progress=False)
        self.keep("item_factors", phase, model.item_factors)

    def score_matrix(self, phase: int, user_items: csr_matrix, user: IntArray) -> Floats:
        """Return the products of the vectors, shape (B, N)."""
        model = self.model()
        model.item_factors = self.kept("item_factors", phase)
        scores: Floats = model.recalculate_user(user, user_items) @ model.item_factors.T
        return scores
