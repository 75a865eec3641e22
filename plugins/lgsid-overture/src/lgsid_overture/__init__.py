"""Overture Maps places and Foursquare OS Places as data sources of lgsid."""

from lgsid_overture.foursquare_os_places import FoursquareOSPlaces
from lgsid_overture.overture_places import OverturePlaces
from lgsid_overture.parquet_places import ParquetPlaces

__all__ = ["FoursquareOSPlaces", "OverturePlaces", "ParquetPlaces"]
