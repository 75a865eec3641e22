"""Quantizers: vectors to codes and back."""

from lgsid.quantizers.kmeans import kmeans_centroids
from lgsid.quantizers.quantizer import Quantized, Quantizer
from lgsid.quantizers.residual_centroids import ResidualCentroids
from lgsid.quantizers.residual_fsq import ResidualFSQ
from lgsid.quantizers.residual_vq import ResidualVQ
from lgsid.quantizers.rqkmeans import RQKMeans
from lgsid.quantizers.rqvae import RQVAE

__all__ = [
    "RQVAE",
    "Quantized",
    "Quantizer",
    "RQKMeans",
    "ResidualCentroids",
    "ResidualFSQ",
    "ResidualVQ",
    "kmeans_centroids",
]
