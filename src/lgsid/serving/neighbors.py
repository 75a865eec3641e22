"""Places like a place: by the codes that semantic IDs share, or by vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lgsid.errors import LgsidError
from lgsid.serving.schemas import SimilarPlace
from lgsid.serving.served_model import ServedModel, finite

Floats = npt.NDArray[np.float64]


def places_like(model: ServedModel, row: int, k: int, by: str) -> list[SimilarPlace]:
    """Return the k open places most like a place, itself left out.

    Args:
        model: The model.
        row: Row of the place.
        k: How many.
        by: `sid`: the more leading codes in common the better, the nearer on the map the better among equals; `vector`:
            by the cosine of the vectors.

    Raises:
        LgsidError: if the model has no semantic IDs, or no vectors.
    """
    km = model.km(float(model.items.lat_deg[row]), float(model.items.lon_deg[row]))
    shared = model.shared_codes(model.codes[row].tolist())
    cosines = model.cosines(row)
    if by == "vector":
        if cosines is None:
            raise LgsidError("by vector: this model is served without vectors; start with --embeddings")
        order = np.argsort(-cosines, kind="stable")
    else:
        if not model.codebook_sizes:
            raise LgsidError("by sid: this model has no semantic IDs; ask by vector, or start with --sids")
        order = by_codes(shared, km)
    return described(model, order[(order != row) & ~model.closed[order]][:k], km, shared, cosines)


def places_with_codes(model: ServedModel, sid: Sequence[int], km: Floats, k: int) -> list[SimilarPlace]:
    """Return the k places that share most leading codes with a semantic ID, the nearest (N,) km first among equals."""
    shared = model.shared_codes(sid)
    return described(model, by_codes(shared, km)[:k], km, shared, None)


def by_codes(shared: npt.NDArray[np.int64], km: Floats) -> npt.NDArray[np.int64]:
    """Return the rows by shared codes (N,), the nearest (N,) km first among equals, those without a position last."""
    return np.lexsort((np.where(np.isnan(km), np.inf, km), -shared))


def described(
    model: ServedModel,
    rows: npt.NDArray[np.int64],
    km: Floats,
    shared: npt.NDArray[np.int64],
    cosines: npt.NDArray[np.float32] | None,
) -> list[SimilarPlace]:
    """Name places with what they have in common with another."""
    return [
        SimilarPlace(
            **model.place(int(row)),
            km=finite(km[row]),
            shared_codes=int(shared[row]),
            cosine=None if cosines is None else finite(cosines[row]),
        )
        for row in rows
    ]
