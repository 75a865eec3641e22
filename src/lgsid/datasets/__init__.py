"""Datasets: where they come from, how they are prepared and split. Nothing here imports torch."""

from lgsid.datasets.brands import Brands
from lgsid.datasets.builder_from_config import builder_from_config
from lgsid.datasets.category_groups import CategoryGroups
from lgsid.datasets.context_trails_petaling_jaya import ContextTrailsPetalingJaya
from lgsid.datasets.data_source import DataSource
from lgsid.datasets.dataset_builder import DatasetBuilder
from lgsid.datasets.describe import describe_dataset
from lgsid.datasets.download import download_dataset, download_steps, public_datasets
from lgsid.datasets.foursquare_nyc import FoursquareNYC
from lgsid.datasets.foursquare_phoenix import FoursquarePhoenix
from lgsid.datasets.gowalla_nyc import GowallaNYC
from lgsid.datasets.joined_source import JoinedSource
from lgsid.datasets.polygon_layer import PolygonLayer
from lgsid.datasets.preparation_log import LogEntry
from lgsid.datasets.public_dataset import PublicDataset, PublicFile
from lgsid.datasets.raw_data import RawData
from lgsid.datasets.region_join import RegionJoin, RegionMatch
from lgsid.datasets.splits import (
    BlockSplit,
    ColdStartSplit,
    HeldOutSourceSplit,
    LeaveOneOutSplit,
    PlacesOnly,
    Split,
    TemporalSplit,
)
from lgsid.datasets.synthetic_city import SyntheticCity
from lgsid.datasets.table_source import TableSource
from lgsid.datasets.tsmc2014 import TSMC2014

__all__ = [
    "TSMC2014",
    "BlockSplit",
    "Brands",
    "CategoryGroups",
    "ColdStartSplit",
    "ContextTrailsPetalingJaya",
    "DataSource",
    "DatasetBuilder",
    "FoursquareNYC",
    "FoursquarePhoenix",
    "GowallaNYC",
    "HeldOutSourceSplit",
    "JoinedSource",
    "LeaveOneOutSplit",
    "LogEntry",
    "PlacesOnly",
    "PolygonLayer",
    "PublicDataset",
    "PublicFile",
    "RawData",
    "RegionJoin",
    "RegionMatch",
    "Split",
    "SyntheticCity",
    "TableSource",
    "TemporalSplit",
    "builder_from_config",
    "describe_dataset",
    "download_dataset",
    "download_steps",
    "public_datasets",
]
