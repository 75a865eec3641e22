"""The long past of a user as a few tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.masked import masked_softmax


class LongHistory(Describable, nn.Module):
    """Compress check-ins into a fixed number of tokens: learned queries attend to them, layer by layer.

    The pathway for long histories of OneRec's technical report (arXiv 2506.13695, section 2.2): `Q <- Q + CrossAttn(Q,
    V)`, then `Q <- Q + FFN(Q)`, both on normalized input. The cost grows with the length of the history once, whatever
    the encoder's depth. Without any check-in all tokens are padding.

    Args:
        n_tokens: Tokens that it leaves.
        n_layers: Layers.
        n_heads: Heads of the attention; they divide the width of a token.
    """

    def __init__(self, n_tokens: int = 4, n_layers: int = 1, n_heads: int = 4) -> None:
        super().__init__()
        for name, value in (("n_tokens", n_tokens), ("n_layers", n_layers), ("n_heads", n_heads)):
            if value < 1:
                raise LgsidError(f"LongHistory: {name} must be at least 1, not {value}")
        self.n_tokens, self.n_layers, self.n_heads = n_tokens, n_layers, n_heads

    def build(self, width: int) -> None:
        """Create the layers for tokens of width D.

        Raises:
            LgsidError: if the heads do not divide it.
        """
        if width % self.n_heads:
            raise LgsidError(f"LongHistory: n_heads {self.n_heads} does not divide the width {width} of a token")
        self.queries = nn.Parameter(torch.randn(self.n_tokens, width))
        self.layers = nn.ModuleList(CrossLayer(width, self.n_heads) for _ in range(self.n_layers))

    def forward(self, events: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tokens of B histories.

        Args:
            events: Shape (B, T, D), vectors of the check-ins; T may be 0.
            known: Shape (B, T) bool, False at padding.

        Returns:
            Tokens (B, Q, D), and shape (B, Q) bool, False where there is no check-in.
        """
        x = self.queries.expand(len(events), -1, -1)
        for layer in self.layers:
            x = layer(x, events, known)
        return x, known.any(1, keepdim=True).expand(-1, self.n_tokens)


class CrossLayer(nn.Module):
    """One layer: attention from a few tokens to many, then a feed-forward network.

    Args:
        width: Width D of a token.
        n_heads: Heads.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm, self.norm_events, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, events: Tensor, known: Tensor) -> Tensor:
        """Return tokens (B, Q, D) that have read events (B, T, D) where these are known (B, T)."""
        read = self.norm_events(events)
        q, k, v = self.heads(self.q(self.norm(x))), self.heads(self.k(read)), self.heads(self.v(read))
        scores = q @ k.transpose(2, 3) * q.shape[3] ** -0.5  # (B, heads, Q, T)
        found = masked_softmax(scores, known[:, None, None]) @ v
        x = x + self.o(found.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm_out(x))  # type: ignore[no-any-return]

    def heads(self, x: Tensor) -> Tensor:
        """Split tokens (B, S, D) by heads, shape (B, heads, S, d)."""
        return x.view(*x.shape[:2], self.n_heads, x.shape[2] // self.n_heads).transpose(1, 2)
