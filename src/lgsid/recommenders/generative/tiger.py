"""TIGER: an encoder-decoder that generates the semantic ID of the next place."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable

from lgsid.geo import GeoEncoder
from lgsid.recommenders.generative.history_tokens import HistoryTokens, SeparateTokens
from lgsid.recommenders.generative.t5_generator import T5Generator
from lgsid.recommenders.generative.tree_search import TreeSearch


class TIGER(T5Generator):
    """Encoder-decoder over semantic IDs, as in its paper (TIGER, Rajput et al. 2023, arXiv 2305.05065).

    The encoder (transformers' T5) reads history and query tokens, the decoder gives the codes of the next place level
    by level. `PlaceTIGER` is this with parts that know places.

    Args:
        t5: Overrides of the T5 configuration (`d_model`, `num_layers`, ...).
        history_tokens: One token per code of the history as in the paper (default), or one per check-in.
        encoder_history: Check-ins that the encoder sees.
        user_buckets: Hash buckets of the user token.
        beam_width: Prefixes followed at a time while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
        search: How items are looked for; by `BeamSearch` by default.
        query_position: Encodes the position of the user's last place for the query token; without it, as in the paper.
    """

    needs_sids = True  # asked by the command line; in Python, data without any mean plain item IDs

    def __init__(
        self,
        t5: dict[str, Any] | None = None,
        history_tokens: HistoryTokens | None = None,
        encoder_history: int = 24,
        user_buckets: int = 2000,
        beam_width: int = 32,
        warmup_share: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=3e-3),
        search: TreeSearch | None = None,
        query_position: GeoEncoder | None = None,
    ) -> None:
        sizes = (encoder_history, user_buckets, beam_width, warmup_share)
        super().__init__(t5, history_tokens or SeparateTokens(), *sizes, optimizer, search, query_position)
        self.save_hyperparameters()
