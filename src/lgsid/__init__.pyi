"""Public names for type checkers; `__init__.py` imports them when they are first used."""

from lgsid.alignment import CollaborativePairs as CollaborativePairs
from lgsid.alignment import FarPairs as FarPairs
from lgsid.alignment import GDPOAligner as GDPOAligner
from lgsid.alignment import ListwiseRelevance as ListwiseRelevance
from lgsid.alignment import NearOtherCategoryPairs as NearOtherCategoryPairs
from lgsid.alignment import RewardMargin as RewardMargin
from lgsid.alignment import SameCategoryFarPairs as SameCategoryFarPairs
from lgsid.alignment import SimilarityMargin as SimilarityMargin
from lgsid.alignment import SimilaritySoftmax as SimilaritySoftmax
from lgsid.alignment import TransitionPairs as TransitionPairs
from lgsid.artefacts import Dataset as Dataset
from lgsid.artefacts import Embeddings as Embeddings
from lgsid.artefacts import Interactions as Interactions
from lgsid.artefacts import Items as Items
from lgsid.artefacts import SemanticIDs as SemanticIDs
from lgsid.artefacts import read_items as read_items
from lgsid.checkpoints import load as load
from lgsid.datamodules import CTRData as CTRData
from lgsid.datamodules import ItemData as ItemData
from lgsid.datamodules import PreferenceData as PreferenceData
from lgsid.datamodules import RewardData as RewardData
from lgsid.datamodules import SequenceData as SequenceData
from lgsid.datasets import DatasetBuilder as DatasetBuilder
from lgsid.datasets import LeaveOneOutSplit as LeaveOneOutSplit
from lgsid.datasets import SyntheticCity as SyntheticCity
from lgsid.datasets import TableSource as TableSource
from lgsid.datasets import TemporalSplit as TemporalSplit
from lgsid.errors import LgsidError as LgsidError
from lgsid.generations import Generations as Generations
from lgsid.geo import FourierGeoEncoder as FourierGeoEncoder
from lgsid.hub import from_pretrained as from_pretrained
from lgsid.hub import save_pretrained as save_pretrained
from lgsid.metrics import quality_card as quality_card
from lgsid.metrics import render_card as render_card
from lgsid.plots import sid_map as sid_map
from lgsid.quantizers import RQVAE as RQVAE
from lgsid.quantizers import ResidualCentroids as ResidualCentroids
from lgsid.quantizers import ResidualFSQ as ResidualFSQ
from lgsid.quantizers import ResidualVQ as ResidualVQ
from lgsid.quantizers import RQKMeans as RQKMeans
from lgsid.recommenders import DIN as DIN
from lgsid.recommenders import TIGER as TIGER
from lgsid.recommenders import DistancePopularity as DistancePopularity
from lgsid.recommenders import LiveRecommender as LiveRecommender
from lgsid.recommenders import MostRecent as MostRecent
from lgsid.recommenders import NearestPlace as NearestPlace
from lgsid.recommenders import NewPlaceFloor as NewPlaceFloor
from lgsid.recommenders import Popularity as Popularity
from lgsid.recommenders import TimeKernel as TimeKernel
from lgsid.recommenders import TimeTransition as TimeTransition
from lgsid.recommenders import UserFrequency as UserFrequency
from lgsid.recommenders import recommend as recommend
from lgsid.rewards import RewardModel as RewardModel
from lgsid.text import LoraSpec as LoraSpec
from lgsid.text import PromptTemplate as PromptTemplate
from lgsid.text import TextEncoder as TextEncoder
from lgsid.tokenizers import CounterSuffix as CounterSuffix
from lgsid.tokenizers import HierTokenizer as HierTokenizer
from lgsid.tokenizers import NearestFreeCode as NearestFreeCode
from lgsid.tokenizers import PlainTokenizer as PlainTokenizer
from lgsid.tokenizers import RandomTokenizer as RandomTokenizer
from lgsid.tokenizers import ResidualTokenizer as ResidualTokenizer

__version__: str
PUBLIC: dict[str, tuple[str, ...]]
MODULE_OF: dict[str, str]
