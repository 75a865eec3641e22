"""The contract of a vector quantizer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.errors import LgsidError

ENCODED_ROWS = 8192


@dataclass(frozen=True)
class Quantized:
    """Vectors and the codes that stand for them.

    Args:
        embedding: (B, D) the vectors rebuilt from the codes.
        codes: (B, L) int64, `0 <= codes[:, l] < codebook_sizes[l]`.
        loss: Scalar to minimize; it has a gradient where the quantizer learns by gradient, else it only reports.
        terms: Parts of the loss, by name, for the log.
        latent: (B, D') the quantized vectors before a decoder, for losses on them; their gradient reaches whatever
            learns by gradient. None where they are `embedding`.
    """

    embedding: Tensor
    codes: Tensor
    loss: Tensor
    terms: Mapping[str, Tensor] = field(default_factory=dict)
    latent: Tensor | None = None


class Quantizer(Describable, nn.Module, ABC):
    """Turn vectors into L codes, and codes back into vectors.

    A quantizer is used in this order: the constructor (plain arguments only), `take_codebook_sizes` by a tokenizer
    that sets the sizes of all levels, `build(dim)` once the width of the vectors is known, `fit(x)` with vectors of
    the training items (a start for codebooks, or the whole training), gradient steps on `forward(x).loss` if it has
    parameters, and `encode`/`decode`. All state lives in parameters and buffers created by `build`, so that
    `load_state_dict` restores it.

    Args:
        codebook_sizes: Codes of each level, first level first. They may differ, and there may be any number. Those
            of the tokenizer that uses the quantizer, if not given.
    """

    def __init__(self, codebook_sizes: Sequence[int] | None = None) -> None:
        super().__init__()
        self._codebook_sizes = None if codebook_sizes is None else self._checked(codebook_sizes)

    def _checked(self, codebook_sizes: Sequence[int]) -> tuple[int, ...]:
        if not codebook_sizes or any(size < 1 for size in codebook_sizes):
            raise LgsidError(
                f"{type(self).__name__}: codebook_sizes must be positive numbers, one for each level,"
                f" got {list(codebook_sizes)}"
            )
        return tuple(int(size) for size in codebook_sizes)

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes of each level, length L."""
        if self._codebook_sizes is None:
            raise LgsidError(f"{type(self).__name__}: give codebook_sizes, the number of codes of each level")
        return self._codebook_sizes

    def take_codebook_sizes(self, codebook_sizes: Sequence[int]) -> None:
        """Take the sizes that a tokenizer sets, before `build`.

        Raises:
            LgsidError: if the constructor was given others.
        """
        sizes = self._checked(codebook_sizes)
        if self._codebook_sizes is not None and sizes != self._codebook_sizes:
            raise LgsidError(
                f"{type(self).__name__}: has codebook_sizes {list(self._codebook_sizes)}, but its tokenizer asks for"
                f" {list(sizes)}; set them in the tokenizer only"
            )
        self._codebook_sizes = sizes

    @abstractmethod
    def build(self, dim: int) -> None:
        """Create parameters and buffers for vectors of width `dim`."""

    def fit(self, x: Tensor) -> None:
        """Initialize (or wholly train) from the vectors of all training items, `x: (N, D)`, without a gradient.

        The rows come in an order that does not depend on the order of the items table. The result must be the
        same every time.
        """

    @abstractmethod
    def forward(self, x: Tensor) -> Quantized:
        """Quantize `x: (B, D)`; the loss is a mean over the batch."""

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the codes `(B, L)` of `x: (B, D)`, the same for a row whatever else the batch holds.

        Blocks of rows are quantized in turn, so that memory does not grow with the batch.
        """
        training = self.training
        self.eval()
        try:
            return torch.cat([self(part).codes for part in torch.split(x, ENCODED_ROWS)])
        finally:
            self.train(training)

    @abstractmethod
    def decode(self, codes: Tensor) -> Tensor:
        """Return the vectors `(B, D)` that `codes: (B, L)` stand for."""

    @torch.no_grad()
    def distances(self, x: Tensor, codes: Tensor, level: int) -> Tensor:
        """Tell how far each row is from every code of one level, given its codes of the earlier levels.

        Collision strategies choose by it where an item goes. Here: the squared distance of `x` to the vector
        decoded with each code of `level` in turn, the other levels as in `codes`. Residual quantizers override it
        with what the earlier levels leave over, which is faster and ignores the later levels.

        Args:
            x: (B, D).
            codes: (B, L).
            level: Counted from 0.

        Returns:
            (B, K_level), smaller is nearer.
        """
        columns = []
        for code in range(self.codebook_sizes[level]):
            changed = codes.clone()
            changed[:, level] = code
            columns.append((x - self.decode(changed)).double().square().sum(dim=-1))
        return torch.stack(columns, dim=-1)
