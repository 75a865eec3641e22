"""Encoders of geographic positions, and nearest places on the sphere."""

from lgsid.geo.fourier_geo_encoder import FourierGeoEncoder
from lgsid.geo.geo_encoder import GeoEncoder
from lgsid.geo.local_metres_geo_encoder import LocalMetresGeoEncoder
from lgsid.geo.plus_code_geo_encoder import PlusCodeGeoEncoder

__all__ = ["FourierGeoEncoder", "GeoEncoder", "LocalMetresGeoEncoder", "PlusCodeGeoEncoder"]
