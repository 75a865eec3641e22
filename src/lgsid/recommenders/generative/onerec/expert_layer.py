"""A feed-forward layer of which each token uses a few experts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.functional.segments import places_in_segments
from lgsid.processes import gather_rows, sum_of
from lgsid.recommenders.generative.onerec.expert_balance import ExpertBalance


class ExpertLayer(nn.Module):
    """Sparse mixture of experts in place of T5's feed-forward layer, with its norm, residual and dropout.

    `x + sum_e g_e FFN_e(norm x)`, where the affinities `s = softmax(E norm x)` are the gates g of the `n_active` chosen
    experts, not normalized anew, and zero for all others (OneRec, arXiv 2502.18965, section 3.2, after DeepSeekMoE). An
    expert is `W_o relu(W_i x)`. Tokens are put together by expert, so that all experts are one product of matrices; no
    token is ever dropped, so that the output of one does not depend on the others.

    Args:
        norm: Normalizes the input.
        width: Width D of a token.
        hidden: Width F inside an expert.
        dropout: Dropout inside an expert and behind the sum.
        n_experts: Number of experts E.
        n_active: Experts that a token uses (K).
        balance: Keeps them equally busy.
    """

    chosen: Tensor  # (E,) choices in training since the last `rebalance`

    def __init__(
        self,
        norm: nn.Module,
        width: int,
        hidden: int,
        dropout: float,
        n_experts: int,
        n_active: int,
        balance: ExpertBalance,
    ) -> None:
        super().__init__()
        if not 1 <= n_active <= n_experts:
            raise LgsidError(f"n_active must be at least 1 and at most n_experts {n_experts}, not {n_active}")
        self.norm, self.n_active = norm, n_active
        self.gate = nn.Parameter(torch.randn(n_experts, width) * width**-0.5)
        self.inner = nn.Parameter(torch.randn(n_experts, width, hidden) * width**-0.5)
        self.outer = nn.Parameter(torch.randn(n_experts, hidden, width) * hidden**-0.5)
        self.dropout = nn.Dropout(dropout)
        self.balance = balance
        balance.build(n_experts)
        self.register_buffer("chosen", torch.zeros(n_experts), persistent=False)
        self._loss = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (..., D), shape (..., D)."""
        tokens: Tensor = self.norm(x).flatten(0, -2)  # (M, D)
        affinity = (tokens @ self.gate.T).float().softmax(1)
        expert = self.balance.preference(affinity).topk(self.n_active, dim=1).indices  # (M, K)
        gates = affinity.gather(1, expert)
        if self.training:  # padding behind short lists counts as well; it is little
            count = torch.bincount(expert.flatten(), minlength=len(self.gate)).float()
            self.chosen += count
            count = sum_of(count)
            self._loss = self.balance.loss(gather_rows(affinity), count / count.sum().clamp_min(1))
        order = expert.flatten().sort(stable=True)
        place, first = places_in_segments(order.values, len(self.gate))
        token = order.indices // self.n_active
        capacity = int(place.max()) + 1 if len(place) else 1
        cell = order.values * capacity + place
        packed = tokens.new_zeros(len(first) * capacity, tokens.shape[1]).index_copy(0, cell, tokens[token])
        hidden = self.dropout(torch.relu(torch.bmm(packed.view(len(first), capacity, -1), self.inner)))
        out = torch.bmm(hidden, self.outer).flatten(0, 1)[cell]
        weighted = out * gates.flatten()[order.indices][:, None].to(out.dtype)
        mixed = torch.zeros_like(tokens).index_add(0, token, weighted.to(tokens.dtype))
        out_of_experts: Tensor = self.dropout(mixed.view_as(x))
        return x + out_of_experts

    def take_loss(self) -> Tensor:
        """Return the auxiliary loss of the last pass in training, a scalar, and forget it."""
        loss, self._loss = self._loss, torch.zeros((), device=self.gate.device)
        return loss

    def rebalance(self) -> None:
        """Let the balance learn from the choices since the last time, if there were any."""
        chosen = sum_of(self.chosen)
        total = chosen.sum()
        if total > 0:
            self.balance.update(chosen / total)
            self.chosen.zero_()
