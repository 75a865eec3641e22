"""For the tests of lgsid and of its plugins: contracts, a toy city, tiny encoders."""

from lgsid.testing.recommender_contract import RecommenderContract
from lgsid.testing.tiny_encoder import tiny_encoder
from lgsid.testing.toy_city import toy_city, toy_source, toy_tables

__all__ = ["RecommenderContract", "tiny_encoder", "toy_city", "toy_source", "toy_tables"]
