"""Vectors and semantic IDs of places in the files of other systems, for retrieval."""

from lgsid.stores.faiss_store import FaissStore
from lgsid.stores.index_store import IndexStore
from lgsid.stores.lance_store import LanceStore
from lgsid.stores.place_vectors import Found, PlaceVectors
from lgsid.stores.recall import recall_at
from lgsid.stores.usearch_store import UsearchStore
from lgsid.stores.vector_store import VectorStore, store_of

__all__ = [
    "FaissStore",
    "Found",
    "IndexStore",
    "LanceStore",
    "PlaceVectors",
    "UsearchStore",
    "VectorStore",
    "recall_at",
    "store_of",
]
