"""One token per check-in, in which the first codes count most."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders import HistoryTokens


class PartName(HistoryTokens):
    """One token per check-in: the sum of the vectors of its codes, each level with half the weight, and its time."""

    def forward(self, codes: Tensor, event: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Lay out codes (B, T, L, D) and times (B, T, D) of check-ins, of which `known` (B, T) are real.

        Returns:
            Tokens (B, S, D), and which of them are real (B, S); here S is T.
        """
        weight = codes.new_tensor([0.5**level for level in range(codes.shape[2])])
        return (codes * weight[:, None]).sum(dim=2) + event, known
