"""Item-kNN by the BM25 weights of visits."""

from __future__ import annotations

from implicit.nearest_neighbours import BM25Recommender, ItemItemRecommender

from lgsid.errors import LgsidError
from lgsid_implicit.item_knn import ItemKNN


class BM25ItemKNN(ItemKNN):
    """Item-kNN by the product of BM25 weights of visits, which saturate in repeated ones (`BM25Recommender`).

    Args:
        neighbours: Number of nearest places that each place keeps, itself counted.
        k1: How late the weight of repeated visits saturates.
        b: How much a place with many visits is held back, 0 to 1.
    """

    def __init__(self, neighbours: int = 50, k1: float = 1.2, b: float = 0.75) -> None:
        super().__init__(neighbours)
        self.save_hyperparameters()
        if k1 < 0 or not 0 <= b <= 1:
            raise LgsidError(f"BM25ItemKNN: k1 must not be negative and b be between 0 and 1, not {k1:g} and {b:g}")
        self.k1, self.b = k1, b

    def model(self) -> ItemItemRecommender:
        """Return the model of the library."""
        return BM25Recommender(K=self.neighbours, K1=self.k1, B=self.b, num_threads=1)
