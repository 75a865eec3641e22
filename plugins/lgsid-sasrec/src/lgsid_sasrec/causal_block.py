"""One block of causal self-attention."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class CausalBlock(nn.Module):
    """Self-attention and a position-wise network, each behind a layer norm and beside a residual connection.

    Source: SASRec (arXiv 1808.09781), equations 2 to 5: `x + dropout(g(layer_norm(x)))`.

    Args:
        width: Values of a state, D.
        n_heads: Heads of the attention.
        dropout: Share of values dropped in training.
    """

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.network_norm = nn.LayerNorm(width)
        self.network = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        """Return new states of `x: (B, T, D)`; `visible: (B, T, T)` bool tells what each position may read."""
        b, t, d = x.shape
        projected = self.query_key_value(self.attention_norm(x)).reshape(b, t, 3, self.n_heads, d // self.n_heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # (B, heads, T, D / heads) each
        drop = self.dropout if self.training else 0.0
        read = F.scaled_dot_product_attention(query, key, value, visible[:, None], dropout_p=drop)
        read = self.attention_output(read.transpose(1, 2).reshape(b, t, d))
        x = x + F.dropout(read, self.dropout, self.training)
        return x + self.network(self.network_norm(x))
