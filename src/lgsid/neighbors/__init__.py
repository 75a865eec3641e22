"""Search for the nearest vectors."""

from lgsid.neighbors.exact_neighbors import ExactNeighbors
from lgsid.neighbors.neighbor_index import NeighborIndex

__all__ = ["ExactNeighbors", "NeighborIndex"]
