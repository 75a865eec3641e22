"""Cross-entropy over all items."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lgsid_sasrec.losses.next_item_loss import NextItemLoss


class FullSoftmax(NextItemLoss):
    """Negative log-likelihood of the next item among all N, without sampling.

    Source: Klenitskiy and Vasilev, "Turning Dross Into Gold Loss" (RecSys 2023): SASRec with this loss.
    """

    def __call__(self, state: Tensor, table: Tensor, target: Tensor) -> Tensor:
        """Return the mean over B queries, a scalar."""
        return F.cross_entropy(state @ table.T, target)
