"""Optimized product quantization and inverted-file neighbors for lgsid, on faiss."""

from lgsid_faiss.ivf_neighbors import IVFNeighbors
from lgsid_faiss.opq import OPQ

__all__ = ["OPQ", "IVFNeighbors"]
