"""Losses of the next item."""

from lgsid_sasrec.losses.full_softmax import FullSoftmax
from lgsid_sasrec.losses.next_item_loss import NextItemLoss
from lgsid_sasrec.losses.sampled_bce import SampledBCE

__all__ = ["FullSoftmax", "NextItemLoss", "SampledBCE"]
