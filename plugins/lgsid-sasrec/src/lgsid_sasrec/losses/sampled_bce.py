"""Binary cross-entropy against sampled negatives."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.errors import LgsidError
from lgsid_sasrec.losses.next_item_loss import NextItemLoss


class SampledBCE(NextItemLoss):
    """Tell the next item from negatives drawn uniformly among all other items.

    `L = -(beta log s(r) + sum_k log(1 - s(r_k)))`, `s` the logistic function, `r` the scores,
    `beta = a (t (1 - 1/a) + 1/a)`, and `a` the share of the other items that is drawn. Without calibration, `t = 0`,
    `beta` is 1 and this is the loss of the paper; at `t = 1` scores are probabilities of the next item, without the
    overconfidence that sampling brings.

    Source: SASRec (arXiv 1808.09781), equation 6, with one negative; gBCE of gSASRec (Petrov and Macdonald, RecSys
    2023, arXiv 2308.07192) with `calibration`.

    Args:
        negatives: Negatives of each query (k).
        calibration: t, between 0 and 1.
    """

    def __init__(self, negatives: int = 1, calibration: float = 0.0) -> None:
        if negatives < 1:
            raise LgsidError(f"SampledBCE: negatives must be at least 1, not {negatives}")
        if not 0 <= calibration <= 1:
            raise LgsidError(f"SampledBCE: calibration must be between 0 and 1, not {calibration:g}")
        self.negatives = negatives
        self.calibration = calibration

    def __call__(self, state: Tensor, table: Tensor, target: Tensor) -> Tensor:
        """Return the mean over B queries, a scalar."""
        others = max(len(table) - 1, 1)
        drawn = torch.randint(others, (len(target), self.negatives), device=target.device)
        negative = drawn + (drawn >= target[:, None]).long()  # uniform over the other items
        return self.of(state, table, target, negative.clamp_max(len(table) - 1))

    def of(self, state: Tensor, table: Tensor, target: Tensor, negative: Tensor) -> Tensor:
        """Return the mean loss with given negatives (B, k) int64, a scalar."""
        share = min(self.negatives / max(len(table) - 1, 1), 1.0)
        beta = share * (self.calibration * (1 - 1 / share) + 1 / share)
        right = (state * table[target]).sum(-1)
        wrong = (state[:, None] * table[negative]).sum(-1)
        return -(beta * F.logsigmoid(right) + F.logsigmoid(-wrong).sum(-1)).mean()
