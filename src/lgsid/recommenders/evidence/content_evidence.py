"""Whether a place is like those of the past, by its vector."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.errors import LgsidError
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.typing import DataShape


class ContentEvidence(Evidence):
    """Cosine of a place's vector with that of the last place, and with the mean over the past check-ins.

    The vectors come from the data (`data.init_args.embeddings`): of an aligned text encoder, for one. They know a place
    from its first day.
    """

    n_columns = 2
    vectors: Tensor  # (N, D) of length one

    def build(self, shape: DataShape) -> None:
        """Create the table of vectors.

        Raises:
            LgsidError: if the data have none.
        """
        if not shape.embedding_dim:
            raise LgsidError("ContentEvidence: the data have no vectors; give data.init_args.embeddings")
        self.register_buffer("vectors", torch.zeros(shape.n_items, shape.embedding_dim))

    def count(self, source: CheckInSource) -> None:
        """Take the vectors."""
        self.vectors.copy_(F.normalize(torch.from_numpy(source.embeddings.copy()), dim=1))  # type: ignore[attr-defined]

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield the two cosines, zeros where the user has been nowhere."""
        last = self.vectors[view.last.clamp_min(0)] * (view.last >= 0)[:, None]
        yield self._cosine(last, view)
        yield self._cosine(F.normalize(view.visits @ self.vectors, dim=1), view)

    def _cosine(self, vector: Tensor, view: QueryView) -> Tensor:
        if view.places is None:
            return vector @ self.vectors.T
        return (self.vectors[view.places] @ vector[:, :, None])[:, :, 0]
