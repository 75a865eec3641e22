"""What draws the negatives of the click-through task."""

from lgsid.datamodules.negatives.matched_negatives import MatchedNegatives
from lgsid.datamodules.negatives.negative_sampler import NegativeSampler
from lgsid.datamodules.negatives.popularity_negatives import PopularityNegatives

__all__ = ["MatchedNegatives", "NegativeSampler", "PopularityNegatives"]
