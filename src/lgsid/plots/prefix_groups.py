"""Groups of places that share the first codes of their semantic IDs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Items
from lgsid.artefacts.semantic_ids import level_letter
from lgsid.functional.distances import chord_to_m, unit_vectors

MAX_PAIRS = 200_000


def prefix_groups(codes: npt.NDArray[np.int64], depth: int) -> npt.NDArray[np.int64]:
    """Return the group of each item by its first `depth` codes, shape (N,).

    Args:
        codes: Shape (N, L).
        depth: At least 1; more than L is L. At depth 1 the group is the code.
    """
    if depth == 1:
        return np.asarray(codes[:, 0])
    _, groups = np.unique(codes[:, :depth], axis=0, return_inverse=True)
    return np.asarray(groups.reshape(-1), dtype=np.int64)


def pairs_within(groups: npt.NDArray[np.int64], seed: int = 0) -> npt.NDArray[np.int64]:
    """Return pairs of items of one group, shape (P, 2): all of them, or as many drawn at random where there are more.

    Every pair of items that share a group has the same chance.

    Args:
        groups: Shape (N,).
        seed: Seed of the draw.
    """
    order = np.argsort(groups, kind="stable")
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    counts = sizes * (sizes - 1) // 2
    total = int(counts.sum())
    if total <= MAX_PAIRS:
        chosen = [np.stack(np.triu_indices(int(size), 1), 1) + start for start, size in zip(starts, sizes, strict=True)]
        return np.asarray(order[np.concatenate(chosen)] if chosen else np.empty((0, 2), np.int64))
    rng = np.random.default_rng(seed)
    group = rng.choice(len(sizes), size=MAX_PAIRS, p=counts / total)
    first = rng.integers(0, sizes[group])
    second = (first + rng.integers(1, sizes[group])) % sizes[group]
    return np.asarray(order[np.stack([first, second], axis=1) + starts[group][:, None]])


def kilometres_within(
    lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], seed: int = 0
) -> npt.NDArray[np.float64]:
    """Return distances in km between items that share a group, shape (P,); see `pairs_within`. Inputs of shape (N,)."""
    pairs = pairs_within(groups, seed)
    points = unit_vectors(lat_deg, lon_deg)
    return chord_to_m(np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)) / 1000.0


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
