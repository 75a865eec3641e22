"""The quality card of a catalogue, added up from the counts of its parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from lgsid.artefacts.items import Items
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.functional.neighborhood import Z95, agreement_at_k, median_km_at_k
from lgsid.functional.sids import adjusted_for_chance, expected_mutual_information_bits
from lgsid.metrics.card import FEW_DISTINCT, QUANTILES, finite, neighborhood_labels, told_of_resolution
from lgsid.scale.counts import (
    KM_BINS,
    added,
    arrays,
    collisions_of,
    histogram_entropy_bits,
    items_in,
    km_histogram,
    km_quantiles,
)
from lgsid.scale.part_files import items_of

NOT_COUNTED = "not counted over parts: places of one name, next visits; distances of places are of a sample of pairs"


def catalogue_card(
    parts: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any], sample: Items | None = None
) -> dict[str, Any]:
    """Add the counts of parts up to a quality card, see `lgsid.metrics.quality_card`.

    Exact: items, use and entropy of levels and semantic IDs, collisions, prefixes, mutual information with attributes,
    and its chance: where `quality_card` permutes the groups once, `nmi_random` is the mean over all permutations. Of a
    sample: `km` (pairs of one prefix, of every part by its number of pairs; quantiles within 0.4 %) and `km_random`.

    Args:
        parts: What `CardStep` counted of each part; no prefix may be in two of them.
        metadata: Of the semantic IDs: codebook sizes, and what the tokenizer told.
        sample: Random places, for the distances of random groups.

    Raises:
        LgsidError: if two parts share a first code.
    """
    check_apart(parts)
    sizes = metadata["codebook_sizes"]
    levels = [sum_of_counts([part["levels"][level] for part in parts], size) for level, size in enumerate(sizes)]
    depths = [depth_card(parts, depth, sample) for depth in range(len(sizes))]
    whole = added(part["depths"][-1]["sizes"] for part in parts)
    items, joint = items_in(whole), histogram_entropy_bits(whole)
    most = min(math.log2(items), float(np.log2(np.array(sizes, dtype=float)).sum()))
    collisions = collisions_of(whole)
    told = told_of_resolution(metadata)
    before = told["before_resolution"]
    located = sum(part["located"] for part in parts)
    card = {
        "items": items,
        "levels": len(sizes),
        "codebook_sizes": list(sizes),
        **collisions,
        "joint_entropy_bits": joint,
        "joint_entropy_normalised": joint / most if most > 0 else 1.0,
        "by_level": [level_card(level + 1, counts, sizes[level]) for level, counts in enumerate(levels)],
        **told,
        "few_distinct": few_distinct(collisions, before),
        "by_depth": depths,
        "same_name": None,
        "next_visits": None,
        "left_out": NOT_COUNTED + (f"; {items - located:,} places have no coordinates" if located < items else ""),
    }
    return {name: finite(value) for name, value in card.items()}


def few_distinct(after: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool | None:
    """Tell whether too few semantic IDs were distinct before resolution, see `lgsid.metrics.card.few_distinct`."""
    if before is not None:
        return bool(before["distinct_share"] < FEW_DISTINCT)
    return True if after["distinct_share"] < FEW_DISTINCT else None


def check_apart(parts: Sequence[Mapping[str, Any]]) -> None:
    """Refuse parts that share a first code.

    Raises:
        LgsidError: naming the code.
    """
    ranges = sorted(part["first"] for part in parts)
    for (_, end), (start, _) in pairwise(ranges):
        if start <= end:
            raise LgsidError(
                f"card: first code {start} is in two parts; parts must be ranges of first codes, as `lgsid scale"
                " tokenize` writes them"
            )


def sum_of_counts(parts: Sequence[Sequence[int]], size: int) -> npt.NDArray[np.int64]:
    """Return how many places have each code of a level, (K,)."""
    total = np.zeros(size, np.int64)
    for part in parts:
        total[: len(part)] += np.asarray(part, np.int64)
    return total


def level_card(level: int, counts: npt.NDArray[np.int64], size: int) -> dict[str, Any]:
    """Return what a card says of one level, of how many places have each code."""
    share = counts[counts > 0] / counts.sum()
    bits = float(-(share * np.log2(share)).sum().clip(max=0.0)) + 0.0
    return {
        "level": level,
        "size": size,
        "bits": math.log2(size),
        "entropy_bits": bits,
        "used": int((counts > 0).sum()),
        "perplexity": 2.0**bits,
        "entropy_normalised": bits / math.log2(size) if size > 1 else 1.0,
    }


def depth_card(parts: Sequence[Mapping[str, Any]], depth: int, sample: Items | None) -> dict[str, Any]:
    """Return what a card says of the prefixes of one depth, counted from 0."""
    rows = [part["depths"][depth] for part in parts]
    sizes = added(row["sizes"] for row in rows)
    labels = {name: added(part["labels"][name] for part in parts) for name in parts[0]["labels"]}
    within = km_within([row["km"] for row in rows])
    known, chance = {}, {}
    for name in (name for name, counts in labels.items() if len(counts) > 1):
        groups = added(row["attributes"][name]["groups"] for row in rows)
        cells = added(row["attributes"][name]["cells"] for row in rows)
        known[name], chance[name] = information(groups, cells, labels[name])
    return {
        "depth": depth + 1,
        "prefixes": sum(sizes.values()),
        "largest": max(map(int, sizes)),
        "km": within,
        "km_random": None if sample is None or within is None else km_between(sample),
        "nmi": known,
        "nmi_random": chance,
        "ami": {name: adjusted_for_chance(value, chance[name]) for name, value in known.items()},
        "same_name": None,
        "next_visit": None,
    }


def information(groups: Mapping[str, int], cells: Mapping[str, int], labels: Mapping[str, int]) -> tuple[float, float]:
    """Return the normalized mutual information of groups with labels, and its mean over all permutations.

    Args:
        groups: How many groups have each size, of the items with a known label.
        cells: The same of the groups cut by label.
        labels: How many items have each label.
    """
    counts = np.array(list(labels.values()), np.int64)
    share = counts / counts.sum()
    own, other = histogram_entropy_bits(groups), float(-(share * np.log2(share)).sum())
    if own + other == 0.0:
        return 1.0, 1.0
    shared = own + other - histogram_entropy_bits(cells)
    sizes, n_groups = arrays(groups)
    by_chance = expected_mutual_information_bits(sizes, counts, n_groups)
    found, expected = (min(max(2.0 * bits / (own + other), 0.0), 1.0) for bits in (shared, by_chance))
    return found, expected


def km_within(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Summarize distances of pairs of one prefix; the sample of each part stands for all of its pairs."""
    weights, mean, pairs = np.zeros(len(KM_BINS) - 1), 0.0, sum(part["pairs"] for part in parts)
    if not pairs:
        return None
    for part in (part for part in parts if part["sampled"]):
        share = part["pairs"] / pairs
        mean += share * part["mean"]
        for bin_, count in part["bins"].items():
            weights[int(bin_)] += share * count / part["sampled"]
    sampled = sum(part["sampled"] for part in parts)
    return {"pairs": sampled, "mean": mean, **km_quantiles(weights, QUANTILES)}


def km_between(sample: Items) -> dict[str, Any] | None:
    """Summarize distances of random pairs of places: what random groups of any size have."""
    lat, lon = (torch.from_numpy(values[sample.located]) for values in (sample.lat_deg, sample.lon_deg))
    half = len(lat) // 2
    if not half:
        return None
    order = torch.randperm(len(lat), generator=torch.Generator().manual_seed(0))
    first, second = order[:half], order[half : 2 * half]
    km = haversine_m(lat[first], lon[first], lat[second], lon[second]).numpy() / 1000
    weights = np.zeros(len(KM_BINS) - 1)
    for bin_, count in km_histogram(km).items():
        weights[int(bin_)] = count
    return {"pairs": half, "mean": float(km.mean()), **km_quantiles(weights, QUANTILES)}


def neighborhood_card(queries: pa.Table, near: pa.Table, k: int) -> dict[str, Any]:
    """Return coverage@k, purity@k and median km@k of sampled places among all, by the names of the card.

    Args:
        queries: The Q places, with their attributes.
        near: Their nearest places: `query`, the row in `queries`, and attributes; k rows of each, nearest first.
        k: Number of neighbors.
    """
    names = [name for name in queries.column_names if name in near.column_names and name != "vector"]
    table = pa.concat_tables([queries.select(names), near.select(names)])
    numbers = pa.array([f"{row}" for row in range(len(table))])  # a place may be near to several
    both = items_of(table.drop(["item_id"]).append_column("item_id", numbers), "neighbors")
    neighbors = torch.arange(len(near)).reshape(len(queries), len(near) // len(queries)) + len(queries)
    rows = torch.arange(len(queries))
    found, intervals = {}, {}
    for name, codes in neighborhood_labels(both, k).items():
        found[name] = float(agreement_at_k(neighbors, codes, rows))
        intervals[name] = interval(neighbors, codes)
    if both.located.all():
        lat, lon = torch.from_numpy(both.lat_deg.copy()), torch.from_numpy(both.lon_deg.copy())
        found[f"median_km@{k}"] = float(median_km_at_k(neighbors, lat, lon, rows))
    sample = {"queries": len(queries), "interval_95": intervals}
    return {"neighbourhood": finite(found), "neighbourhood_sample": finite(sample)}


def interval(neighbors: torch.Tensor, codes: torch.Tensor) -> list[float]:
    """Return the 95 % confidence interval of an agreement, of Q places that are few among all."""
    own = codes[: len(neighbors)]
    shares = (codes[neighbors] == own[:, None])[own > 0].double().mean(dim=1)
    center, half = float(shares.mean()), Z95 * float(shares.std()) / max(len(shares), 1) ** 0.5
    return [max(center - half, 0.0), min(center + half, 1.0)]
