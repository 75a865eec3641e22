"""Recommenders: generative, discriminative, counting."""

from lgsid.recommenders.base import Ranked, Recommender
from lgsid.recommenders.scoring import ScoringRecommender

__all__ = ["Ranked", "Recommender", "ScoringRecommender"]
