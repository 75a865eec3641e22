"""For the tests of lgsid and of its plugins: contracts, a toy city, tiny encoders."""

from lgsid.testing.tiny_encoder import tiny_encoder

__all__ = ["tiny_encoder"]
