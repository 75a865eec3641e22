"""Item-kNN by the cosine of visits."""

from __future__ import annotations

from implicit.nearest_neighbours import CosineRecommender, ItemItemRecommender

from lgsid_implicit.item_knn import ItemKNN


class CosineItemKNN(ItemKNN):
    """Item-kNN by the cosine between the columns of two places in the matrix of visits (`CosineRecommender`).

    Args:
        neighbours: Number of nearest places that each place keeps, itself counted.
    """

    def __init__(self, neighbours: int = 50) -> None:
        super().__init__(neighbours)
        self.save_hyperparameters()

    def model(self) -> ItemItemRecommender:
        """Return the model of the library."""
        return CosineRecommender(K=self.neighbours, num_threads=1)
