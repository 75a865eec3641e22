"""What models are trained and evaluated on: batches of a dataset."""

from lgsid.datamodules.ctr_candidates import CTRCandidates
from lgsid.datamodules.ctr_data import CTRData
from lgsid.datamodules.item_data import ItemData
from lgsid.datamodules.negatives import MatchedNegatives, NegativeSampler, PopularityNegatives
from lgsid.datamodules.preference_data import PreferenceData
from lgsid.datamodules.reward_data import RewardData
from lgsid.datamodules.sequence_data import SequenceData

__all__ = [
    "CTRCandidates",
    "CTRData",
    "ItemData",
    "MatchedNegatives",
    "NegativeSampler",
    "PopularityNegatives",
    "PreferenceData",
    "RewardData",
    "SequenceData",
]
