"""Datasets: where they come from, how they are split, and how models read them."""

from lgsid.data.block_split import BlockSplit
from lgsid.data.brands import Brands
from lgsid.data.category_groups import CategoryGroups
from lgsid.data.context_trails_petaling_jaya import ContextTrailsPetalingJaya
from lgsid.data.ctr_candidates import CTRCandidates
from lgsid.data.ctr_data import CTRData
from lgsid.data.data_source import DataSource
from lgsid.data.dataset_builder import DatasetBuilder
from lgsid.data.describe import describe_dataset
from lgsid.data.foursquare_nyc import FoursquareNYC
from lgsid.data.foursquare_phoenix import FoursquarePhoenix
from lgsid.data.gowalla_nyc import GowallaNYC
from lgsid.data.item_data import ItemData
from lgsid.data.leave_one_out_split import LeaveOneOutSplit
from lgsid.data.list_mix import ListMix
from lgsid.data.load_builder import load_builder
from lgsid.data.note import Note
from lgsid.data.preference_data import PreferenceData
from lgsid.data.raw_data import RawData
from lgsid.data.reward_data import RewardData
from lgsid.data.sequence_data import SequenceData
from lgsid.data.split import Split
from lgsid.data.synthetic_city import SyntheticCity
from lgsid.data.table_source import TableSource
from lgsid.data.temporal_split import TemporalSplit
from lgsid.data.tsmc2014 import TSMC2014

__all__ = [
    "TSMC2014",
    "BlockSplit",
    "Brands",
    "CTRCandidates",
    "CTRData",
    "CategoryGroups",
    "ContextTrailsPetalingJaya",
    "DataSource",
    "DatasetBuilder",
    "FoursquareNYC",
    "FoursquarePhoenix",
    "GowallaNYC",
    "ItemData",
    "LeaveOneOutSplit",
    "ListMix",
    "Note",
    "PreferenceData",
    "RawData",
    "RewardData",
    "SequenceData",
    "Split",
    "SyntheticCity",
    "TableSource",
    "TemporalSplit",
    "describe_dataset",
    "load_builder",
]
