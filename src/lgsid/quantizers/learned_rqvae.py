"""RQ-VAE whose codebooks learn by gradient, with losses of their own."""

from __future__ import annotations

from collections.abc import Sequence

from lgsid.quantizers.codebook_loss import CodebookLoss
from lgsid.quantizers.learned_codebooks import LearnedCodebooks
from lgsid.quantizers.rqvae import RQVAE


class LearnedRQVAE(RQVAE):
    """Quantize the output of a small encoder with `LearnedCodebooks`, and rebuild the vector with a decoder.

    `L = |X - decoder(sum_l Q_l)|^2 / mean |X|^2 + the loss of LearnedCodebooks`.

    Source: RQ-VAE as TIGER (arXiv 2305.05065), LETTER (arXiv 2405.07314) and GNPR-SID (arXiv 2506.01375) train it; that
    dead codes start again is of RQ-VAE (arXiv 2203.01941).

    Args:
        codebook_sizes: Number of codes of each level; those of the tokenizer if not given.
        latent_dim: Width of the quantized vectors.
        hidden_dims: Widths of the encoder's hidden layers; the decoder has them in reverse.
        cosine_levels: How many of the first levels choose the code of the largest cosine; the others the nearest code.
        commitment_weight: Weight of the commitment loss.
        losses: Losses on the codebooks.
        loss_weights: Their weights; 1 each if not given.
        dead_below: Codes that fewer vectors of a batch use, on a moving average, start again; 0 for never.
        seed: Random seed for the networks' weights and the k-means initialization.
    """

    def __init__(
        self,
        codebook_sizes: Sequence[int] | None = None,
        latent_dim: int = 32,
        hidden_dims: Sequence[int] = (256,),
        cosine_levels: int = 0,
        commitment_weight: float = 0.25,
        losses: list[CodebookLoss] | None = None,
        loss_weights: Sequence[float] | None = None,
        dead_below: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(codebook_sizes, latent_dim, hidden_dims, seed=seed)
        self.vq = LearnedCodebooks(
            codebook_sizes, cosine_levels, commitment_weight, losses, loss_weights, dead_below, seed
        )
