"""Groups of places that share the first codes of their semantic IDs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from lgsid.artefacts import Items
from lgsid.artefacts.codes import level_letter
from lgsid.functional.sids import group_rows, within_group_km

MAX_PAIRS = 200_000


def prefix_groups(codes: npt.NDArray[np.int64], depth: int) -> npt.NDArray[np.int64]:
    """Number the items' prefixes of `depth` codes in sorted order, shape (N,).

    Args:
        codes: Shape (N, L).
        depth: At least 1; more than L is L.
    """
    return np.asarray(group_rows(torch.from_numpy(codes[:, :depth].copy())).numpy())


def kilometers_within(
    lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], seed: int = 0
) -> npt.NDArray[np.float64]:
    """Return distances in km between items of one group (N,), shape (P,): all pairs, or a sample of `MAX_PAIRS`."""
    lat, lon, labels = (torch.from_numpy(array.copy()) for array in (lat_deg, lon_deg, groups))
    return np.asarray(within_group_km(lat, lon, labels, MAX_PAIRS, seed).numpy())


def km_text(km: float) -> str:
    """Write a distance with two digits that count."""
    return f"{km:.1f} km" if km >= 0.95 else f"{km * 1000:.0f} m"


def prefix_token(codes: npt.NDArray[np.int64]) -> str:
    """Write the codes of a prefix, shape (depth,), as tokens of an `.index.json`: `<a_12><b_3>`."""
    return "".join(f"<{level_letter(level)}_{code}>" for level, code in enumerate(codes.tolist()))


def most_frequent(values: npt.NDArray[np.object_]) -> tuple[str, float]:
    """Return the most frequent text that is not empty (the first in the alphabet of several) and its share of all."""
    known, counts = np.unique([value for value in values.tolist() if value], return_counts=True)
    if not len(known):
        return "", 0.0
    best = int(np.argmax(counts))
    return str(known[best]), float(counts[best] / len(values))


def describe_prefix(items: Items, token: str) -> str:
    """Describe the places of one prefix in a line: where most are, what most are, how many.

    Args:
        items: The places.
        token: The prefix as text.
    """
    regions = items.region_columns
    region = most_frequent(items.texts(regions[-1]))[0] if regions else ""
    parts = [shortened(text, 30) for text in (region, most_frequent(items.texts("category"))[0]) if text]
    return f"{token} {' · '.join(parts) or 'unnamed'} ({len(items)})"


def shortened(text: str, width: int) -> str:
    """Cut a text to at most `width` characters, with an ellipsis where something is lost."""
    return text if len(text) <= width else text[: width - 1].rstrip(" -,") + "…"
