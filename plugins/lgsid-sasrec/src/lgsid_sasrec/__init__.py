"""SASRec for lgsid: causal self-attention over past visits, on item IDs, semantic IDs, or both."""

from lgsid_sasrec.inputs import IDInputs, ItemInputs, SIDInputs, SummedInputs
from lgsid_sasrec.losses import FullSoftmax, NextItemLoss, SampledBCE
from lgsid_sasrec.sasrec import SASRec

__all__ = [
    "FullSoftmax",
    "IDInputs",
    "ItemInputs",
    "NextItemLoss",
    "SASRec",
    "SIDInputs",
    "SampledBCE",
    "SummedInputs",
]
