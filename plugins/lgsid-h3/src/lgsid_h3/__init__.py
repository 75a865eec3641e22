"""A position encoder for lgsid on H3 cells."""

from lgsid_h3.h3_geo_encoder import H3GeoEncoder

__all__ = ["H3GeoEncoder"]
