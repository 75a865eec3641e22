"""Tokenizer whose quantized vectors are drawn to what check-ins tell of places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.nn.functional import cross_entropy

from lgsid.errors import LgsidError
from lgsid.quantizers.cluster_pull import ClusterPull
from lgsid.quantizers.learned_rqvae import LearnedRQVAE
from lgsid.quantizers.quantizer import Quantized, Quantizer
from lgsid.tokenizers.co_visit_factors import CoVisitFactors
from lgsid.tokenizers.collision_strategy import CollisionStrategy
from lgsid.tokenizers.residual_tokenizer import ResidualTokenizer
from lgsid.tokenizers.visit_signal import VisitSignal
from lgsid.tokenizers.visits import Visits
from lgsid.typing import ItemBatch


class CollaborativeTokenizer(ResidualTokenizer):
    """Quantize item vectors so that the quantized vector of a place finds the collaborative vector of the same place.

    `L = L_quantizer + alpha L_CF`, `L_CF = -(1/B) sum_i log softmax_j(z_i . h_j / tau)[i]` over the places of the
    batch: `z_i` the sum of the codewords before the decoder, `h_j` what training check-ins tell of place j. Places of
    which they tell nothing take no part. Only training needs check-ins: a new place is tokenized by its vector.

    Source: LETTER (arXiv 2405.07314); the default quantizer has its diversity loss. The paper takes `h` from a trained
    recommender (SASRec, LightGCN), ours is a decomposition of co-visits; and in our form the gradient of `L_CF` reaches
    the codebooks, too, where a straight-through estimate ends at the encoder.

    Args:
        codebook_sizes: Number of codes of each level.
        quantizer: Quantizer of the vectors that learns by gradient; `LearnedRQVAE` with `ClusterPull` if not given.
        signal: What check-ins tell of places, as wide as the quantized vectors; `CoVisitFactors` if not given.
        alignment_weight: alpha.
        temperature: tau.
        normalize: Scale every item vector to unit length before centering.
        collisions: Strategy for items that share all codes; `NearestFreeCode` if not given.
        optimizer: Optimizer for the quantizer.
    """

    def __init__(
        self,
        codebook_sizes: Sequence[int] = (128, 64, 64),
        quantizer: Quantizer | None = None,
        signal: VisitSignal | None = None,
        alignment_weight: float = 0.02,
        temperature: float = 1.0,
        normalize: bool = True,
        collisions: CollisionStrategy | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-3),
    ) -> None:
        learned = quantizer or LearnedRQVAE(losses=[ClusterPull()], loss_weights=[1e-3])
        super().__init__(codebook_sizes, learned, normalize, collisions, optimizer)
        self.save_hyperparameters()
        if alignment_weight < 0 or not temperature > 0:
            raise LgsidError(
                "CollaborativeTokenizer: alignment_weight must not be negative and temperature must be positive, not"
                f" {alignment_weight}, {temperature}"
            )
        self.signal = signal or CoVisitFactors()
        self.alignment_weight, self.temperature = alignment_weight, temperature
        self._collaborative: Tensor | None = None

    def count_check_ins(self, items: ItemBatch, visits: Visits) -> None:
        """Keep the collaborative vectors of the places, by item row, for as long as the training lasts."""
        found = torch.from_numpy(self.signal.of(visits)).to(items.item.device)
        by_row = found.new_zeros(int(items.item.max()) + 1, found.shape[1])
        self._collaborative = by_row.index_copy_(0, items.item, found)

    def on_fit_start(self) -> None:
        """Fit the codebooks, and compare the widths of the vectors that are aligned.

        Raises:
            LgsidError: if they differ, or the quantizer does not learn by gradient.
        """
        super().on_fit_start()
        items = self._items()
        if not any(p.requires_grad for p in self.quantizer.parameters()):
            raise LgsidError(
                f"CollaborativeTokenizer: {type(self.quantizer).__name__} does not learn by gradient, so that nothing"
                " can be aligned; give one that does, such as LearnedRQVAE"
            )
        with torch.no_grad():
            width = latent(self.quantizer(self.residual(items.cut(0, 1), self.earlier_codes(items.cut(0, 1))))).shape[1]
        if width != self.signal.width:
            raise LgsidError(
                f"CollaborativeTokenizer: the quantized vectors are {width} wide and the signal {self.signal.width};"
                " set the latent_dim of the quantizer or the width of the signal"
            )

    def on_fit_end(self) -> None:
        """Forget what training alone needs."""
        super().on_fit_end()
        self._collaborative = None

    def added_losses(self, batch: ItemBatch, quantized: Quantized) -> Mapping[str, Tensor]:
        """Return the weighted alignment loss."""
        if self._collaborative is None:
            return {}
        known = self._collaborative[batch.item]
        return {"alignment": self.alignment_weight * alignment_loss(latent(quantized), known, self.temperature)}


def latent(quantized: Quantized) -> Tensor:
    """Return the quantized vectors before a decoder, `(B, D')`."""
    return quantized.embedding if quantized.latent is None else quantized.latent


def alignment_loss(quantized: Tensor, collaborative: Tensor, temperature: float) -> Tensor:
    """Return the contrastive loss of `quantized: (B, D)` and `collaborative: (B, D)`.

    Rows of zeros of the latter are left out. It is 0 where fewer than two rows are left.
    """
    known = collaborative.abs().sum(dim=1) > 0
    if int(known.sum()) < 2:
        return quantized.sum() * 0.0
    scores = quantized[known] @ collaborative[known].T / temperature
    return cross_entropy(scores, torch.arange(len(scores), device=scores.device))
