"""A gated recurrent unit whose update gate is scaled by attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AUGRU(nn.Module):
    """Run over a history once per candidate; what says little about the candidate updates the state little.

    Source: Deep Interest Evolution Network (arXiv 1809.03672), section "Interest Evolving Layer": `u' = a u`,
    `h' = (1 - u') h + u' n`. There, the update gate says how much is new; in PyTorch, how much is kept, and the state
    has a bias of its own. So with `a = 1` this is `torch.nn.GRUCell` with the negated weights and bias of the update
    gate and a `bias_hh` of zero.

    Args:
        input_width: Width I of what is read.
        width: Width D of the state.
    """

    def __init__(self, input_width: int, width: int) -> None:
        super().__init__()
        self.of_input = nn.Linear(input_width, 3 * width)  # reset gate, update gate, new state
        self.of_state = nn.Linear(width, 3 * width, bias=False)

    def forward(self, inputs: Tensor, attention: Tensor) -> Tensor:
        """Return the last states, which start at zero; where the attention is 0, as at padding, they stay as they are.

        Args:
            inputs: Shape (B, T, I), of B queries, projected once for all their candidates.
            attention: Shape (B, C, T).

        Returns:
            Shape (B, C, D).
        """
        split = (2 * self.of_state.in_features, self.of_state.in_features)
        state = inputs.new_zeros(*attention.shape[:2], split[1])
        gates, new = self.of_input(inputs)[:, None].split(split, dim=-1)  # (B, 1, T, 2 D), (B, 1, T, D)
        steps = zip(gates.unbind(2), new.unbind(2), attention[..., None].unbind(2), strict=True)
        for gates_of_input, new_of_input, weight in steps:
            gates_of_state, new_of_state = self.of_state(state).split(split, dim=-1)
            reset, update = torch.sigmoid(gates_of_input + gates_of_state).chunk(2, dim=-1)  # (B, C, D)
            state = state.lerp(torch.tanh(new_of_input + reset * new_of_state), weight * update)
        return state
