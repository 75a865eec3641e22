"""Positions on the Earth: encoders, neighbours, regions."""

from lgsid.geo.fourier_geo_encoder import FourierGeoEncoder
from lgsid.geo.geo_encoder import GeoEncoder
from lgsid.geo.local_metres_geo_encoder import LocalMetresGeoEncoder
from lgsid.geo.polygon_layer import PolygonLayer
from lgsid.geo.region_join import RegionJoin, RegionMatch

__all__ = ["FourierGeoEncoder", "GeoEncoder", "LocalMetresGeoEncoder", "PolygonLayer", "RegionJoin", "RegionMatch"]
