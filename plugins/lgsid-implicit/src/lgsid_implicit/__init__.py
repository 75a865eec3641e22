"""Item-kNN, ALS and BPR of the library implicit as recommenders of lgsid."""

from lgsid_implicit.bm25_item_knn import BM25ItemKNN
from lgsid_implicit.cosine_item_knn import CosineItemKNN
from lgsid_implicit.implicit_als import ImplicitALS
from lgsid_implicit.implicit_bpr import ImplicitBPR
from lgsid_implicit.item_knn import ItemKNN
from lgsid_implicit.matrix_recommender import MatrixRecommender

__all__ = ["BM25ItemKNN", "CosineItemKNN", "ImplicitALS", "ImplicitBPR", "ItemKNN", "MatrixRecommender"]
