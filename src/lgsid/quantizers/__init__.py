"""Quantizers: vectors to codes and back."""

from lgsid.quantizers.cluster_pull import ClusterPull
from lgsid.quantizers.codebook_loss import CodebookLoss
from lgsid.quantizers.cosine_rqkmeans import CosineRQKMeans
from lgsid.quantizers.even_use import EvenUse
from lgsid.quantizers.kmeans import kmeans_centroids
from lgsid.quantizers.learned_codebooks import LearnedCodebooks
from lgsid.quantizers.learned_rqvae import LearnedRQVAE
from lgsid.quantizers.quantizer import Quantized, Quantizer
from lgsid.quantizers.residual_centroids import ResidualCentroids
from lgsid.quantizers.residual_fsq import ResidualFSQ
from lgsid.quantizers.residual_vq import ResidualVQ
from lgsid.quantizers.rqkmeans import RQKMeans
from lgsid.quantizers.rqvae import RQVAE

__all__ = [
    "RQVAE",
    "ClusterPull",
    "CodebookLoss",
    "CosineRQKMeans",
    "EvenUse",
    "LearnedCodebooks",
    "LearnedRQVAE",
    "Quantized",
    "Quantizer",
    "RQKMeans",
    "ResidualCentroids",
    "ResidualFSQ",
    "ResidualVQ",
    "kmeans_centroids",
]
