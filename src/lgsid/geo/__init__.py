"""Positions on the Earth: encoders, neighbours, regions."""

from lgsid.geo.geo_encoder import GeoEncoder

__all__ = ["GeoEncoder"]
