"""Datasets: where they come from, how they are split, and how models read them."""

from lgsid.data.block_split import BlockSplit
from lgsid.data.brands import Brands
from lgsid.data.category_groups import CategoryGroups
from lgsid.data.data_source import DataSource
from lgsid.data.dataset_builder import DatasetBuilder
from lgsid.data.describe import describe_dataset
from lgsid.data.foursquare_nyc import FoursquareNYC
from lgsid.data.leave_one_out_split import LeaveOneOutSplit
from lgsid.data.load_builder import load_builder
from lgsid.data.note import Note
from lgsid.data.raw_data import RawData
from lgsid.data.split import Split
from lgsid.data.temporal_split import TemporalSplit

__all__ = [
    "BlockSplit",
    "Brands",
    "CategoryGroups",
    "DataSource",
    "DatasetBuilder",
    "FoursquareNYC",
    "LeaveOneOutSplit",
    "Note",
    "RawData",
    "Split",
    "TemporalSplit",
    "describe_dataset",
    "load_builder",
]
