"""The quality card of semantic IDs: intrinsic quality, without training a recommender (`docs/evaluation.md`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.functional.neighborhood import (
    MAX_QUERIES,
    agreement_at_k,
    agreement_interval_at_k,
    median_km_at_k,
    median_km_interval_at_k,
    nearest_vectors,
    sampled_rows,
)
from lgsid.functional.sids import (
    adjusted_for_chance,
    branch_separation,
    collision_rate,
    distinct_share,
    entropy_bits,
    group_rows,
    largest_bucket,
    normalized_mutual_information,
    share_together,
    within_group_km,
)

FEW_DISTINCT = 0.7
"""Distinct semantic IDs over items before resolution, below which a card has a mark."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95}
MAX_PAIRS = 1_000_000

TOLD = ("before_resolution", "changed_by_resolution", "reconstruction_error")  # by a tokenizer, of its codes
RESOLUTION = ("collision_rate", "distinct_share", "largest_bucket")


def quality_card(
    sids: SemanticIDs,
    items: Items | None = None,
    embeddings: Embeddings | npt.NDArray[np.float32] | None = None,
    k: int = 5,
    max_pairs: int = MAX_PAIRS,
    seed: int = 0,
    max_queries: int = MAX_QUERIES,
    log: CheckInLog | None = None,
) -> dict[str, Any]:
    """Judge semantic IDs by their codes, and by the items they stand for, as far as these are known.

    Args:
        sids: Semantic IDs, ours or read from any `.index.json`.
        items: The items, with or without coordinates; each must have a semantic ID. Without them, the codes alone are
            judged: collisions, use, entropy.
        embeddings: Vectors of the items, by item id or as (N, D) in the order of the items, for coverage@k and
            purity@k.
        k: Number of nearest neighbors for coverage and purity.
        max_pairs: Maximum number of item pairs per prefix depth; distances are sampled where there are more.
        seed: Random seed for the samples of pairs and of queries, and for the random groups.
        max_queries: Maximum number of items whose nearest neighbors among all items are searched; where there are
            more items, those of a random sample of so many stand for all.
        log: The check-ins of the items, for the next visits of the validation split.

    Returns:
        Plain values (JSON; null where a number is not known, never NaN):

        - `items`, `levels`, `codebook_sizes`
        - `colliding_items` (items whose semantic ID another item has), `colliding_groups` (semantic IDs that several
          items have), `collision_rate` (share of colliding items), `distinct_share` (semantic IDs over items),
          `largest_bucket`; the last three in `before_resolution` where the tokenizer told, with
          `changed_by_resolution`, the share of codes changed at each level
        - `joint_entropy_bits`, and `joint_entropy_normalised` by the most that the items and codebooks allow
        - `few_distinct`, whether there were fewer distinct semantic IDs than 70 % of the items before collisions were
          resolved, a rule of thumb of industry for codebooks that are too small or too unevenly used; null where that
          is not known
        - `by_level`: `size`, `bits` (the most its codes can hold), `used`, `entropy_bits` of these, `perplexity`,
          `entropy_normalised`, each level for itself
        - `by_depth`, for the prefixes of 1, 2, ... L codes: `prefixes`, `largest`; `km` and `km_random`, distances
          between items of one prefix and of a random group of the same size (`mean`, `p50`, `p90`, `p95`, and
          `pairs`), over the items with coordinates, null where no two of them share a prefix; `nmi` with category,
          category_group, brand and regions, over the items for which these are known, and `nmi_random`, that of the
          random groups (small groups have a high one by chance), and `ami`, what is above that chance; `same_name`, see
          `lgsid.functional.sids.branch_separation`; `next_visit`, the `share` of next visits whose place shares the
          prefix with the place before, the `share_random` expected of random groups of the same sizes, and `lift`,
          their ratio (null where chance has none)
        - `next_visits`: how many check-ins of the validation split at places new to their users, who had been somewhere
          before, `next_visit` is of; null without any
        - `same_name`: `names` that several items have, and these `items`; null if there are none
        - `reconstruction_error` (share of variance), null if not known
        - `neighbourhood`, with embeddings: `coverage@k/region_r`, `purity@k`, `median_km@k`
        - `neighbourhood_sample`, with embeddings, null where the neighbors of all items were searched: `queries`, the
          number of items whose neighbors were searched among all; `interval_95`, low and high, by name of the number
        - `left_out`: what could not be judged and why, null if nothing was left out

    Raises:
        LgsidError: if an item has no semantic ID, or no vector, or vectors or check-ins are given without items.
    """
    if items is None and embeddings is not None:
        raise LgsidError("quality card: vectors are judged by the attributes of the items; give the items, too")
    if items is None and log is not None:
        raise LgsidError("quality card: check-ins name rows of the items; give the items, too")
    codes = torch.from_numpy(np.require(sids.codes if items is None else sids.for_items(items), requirements="W"))
    names = None if items is None else name_labels(items)
    visits = None if log is None else next_visits(log)
    by_depth = depth_statistics(codes, items, names, max_pairs, seed, visits)
    card: dict[str, Any] = {
        **code_statistics(codes, sids.codebook_sizes),
        **told_of_resolution(sids.metadata),
        "few_distinct": few_distinct(codes, sids.metadata.get("before_resolution")),
        "by_depth": by_depth,
        "same_name": None if names is None else repeated_names(names),
        "next_visits": None if visits is None else len(visits[0]),
    }
    if items is not None and embeddings is not None:
        vectors = embeddings.for_items(items) if isinstance(embeddings, Embeddings) else embeddings
        rows = sampled_rows(len(items), max_queries, seed)
        card["neighbourhood"], intervals = neighborhood_summary(vectors, items, k, rows)
        card["neighbourhood_sample"] = None if rows is None else {"queries": len(rows), "interval_95": intervals}
    card["left_out"] = left_out(items)
    return {name: finite(value) for name, value in card.items()}


def left_out(items: Items | None) -> str | None:
    """Say what a card does not judge for want of items or of their coordinates; none if it judges everything."""
    if items is None:
        return "geography, attributes and names: no items were given"
    missing = int((~items.located).sum())
    if missing == len(items):
        return "geography: the items have no coordinates"
    return f"geography of {missing:,} of {len(items):,} items: they have no coordinates" if missing else None


def finite(value: Any) -> Any:
    """Return a plain value with null for every number that JSON does not have (NaN, infinity)."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def depth_statistics(
    codes: Tensor,
    items: Items | None,
    names: Tensor | None,
    max_pairs: int,
    seed: int,
    visits: tuple[Tensor, Tensor] | None = None,
) -> list[dict[str, Any]]:
    """Return what the card tells of the prefixes of 1, 2, ... L codes.

    Args:
        codes: Shape (N, L), in the order of the items.
        items: The items, or none.
        names: Shape (N,), labels of the names, -1 where there is none; or none.
        max_pairs: Maximum number of pairs, see `quality_card`.
        seed: Random seed, see `quality_card`.
        visits: See `next_visits`.
    """
    attributes = {} if items is None else attribute_labels(items)
    shuffle = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
    rows = []
    for depth in range(1, codes.shape[1] + 1):
        groups = group_rows(codes[:, :depth])
        near, far = (group_km(items, labels, max_pairs, seed) for labels in (groups, groups[shuffle]))
        apart = {} if names is None else branch_separation(codes[:, :depth], names, max_pairs)
        known = {column: nmi(groups, labels) for column, labels in attributes.items()}
        chance = {column: nmi(groups[shuffle], labels) for column, labels in attributes.items()}
        rows.append(
            {
                "depth": depth,
                "prefixes": int(groups.max()) + 1,
                "largest": int(groups.bincount().max()),
                "km": near,
                "km_random": far,
                "nmi": known,
                "nmi_random": chance,
                "ami": {column: adjusted_for_chance(value, chance[column]) for column, value in known.items()},
                "same_name": apart or None,
                "next_visit": None if visits is None else next_visit_locality(groups, *visits),
            }
        )
    return rows


def next_visits(log: CheckInLog) -> tuple[Tensor, Tensor] | None:
    """Return the last place and the next of each validation check-in at a new place, `(Q,)` item rows each, or none."""
    rows = log.at_new_places("val")
    if not len(rows):
        return None
    last = log.item[log.history(rows, limit=1)[:, 0]]
    return torch.from_numpy(last), torch.from_numpy(log.item[rows])


def next_visit_locality(groups: Tensor, last: Tensor, following: Tensor) -> dict[str, float | None]:
    """Return how many next visits stay in one of `groups: (N,)`, and how many would by chance, see `quality_card`."""
    share, chance = share_together(groups, last, following)
    return {"share": share, "share_random": chance, "lift": share / chance if chance > 0 else None}


def group_km(items: Items | None, groups: Tensor, max_pairs: int, seed: int) -> dict[str, float] | None:
    """Summarize the distances between items of one group, `groups: (N,)`; none without two located items in one."""
    if items is None or items.located.sum() < 2:
        return None
    at = torch.from_numpy(items.located)
    lat, lon = torch.from_numpy(items.lat_deg.copy())[at], torch.from_numpy(items.lon_deg.copy())[at]
    return km_summary(within_group_km(lat, lon, groups[at], max_pairs, seed))


def code_statistics(codes: Tensor, codebook_sizes: tuple[int, ...]) -> dict[str, Any]:
    """Return the part of the card that needs no items, of `codes: (N, L)`."""
    by_level = []
    for level, size in enumerate(codebook_sizes):
        bits = entropy_bits(codes[:, level])
        by_level.append(
            {
                "level": level + 1,
                "size": size,
                "bits": float(np.log2(size)),
                "entropy_bits": bits,
                "used": int((codes[:, level].bincount() > 0).sum()),
                "perplexity": 2.0**bits,
                "entropy_normalised": bits / np.log2(size) if size > 1 else 1.0,
            }
        )
    groups = group_rows(codes)
    sizes = groups.bincount()
    joint = entropy_bits(groups)
    most = min(float(np.log2(len(codes))), float(np.log2(np.array(codebook_sizes, dtype=float)).sum()))
    return {
        "items": len(codes),
        "levels": codes.shape[1],
        "codebook_sizes": list(codebook_sizes),
        "colliding_items": int(sizes[sizes > 1].sum()),
        "colliding_groups": int((sizes > 1).sum()),
        "collision_rate": collision_rate(codes),
        "distinct_share": distinct_share(codes),
        "largest_bucket": largest_bucket(codes),
        "joint_entropy_bits": joint,
        "joint_entropy_normalised": joint / most if most > 0 else 1.0,
        "by_level": by_level,
    }


def km_summary(km: Tensor) -> dict[str, float] | None:
    """Return mean and quantiles of distances `(P,)`, none if there are no pairs."""
    if len(km) == 0:
        return None
    values = km.numpy()
    quantiles = dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values())).tolist(), strict=True))
    return {"pairs": len(values), "mean": float(values.mean()), **quantiles}


def name_labels(items: Items) -> Tensor:
    """Number the names of items, in any case of letters; -1 where there is none, `(N,)` int64."""
    names = [" ".join(str(name).casefold().split()) for name in items.texts("name")]
    lookup = {name: label for label, name in enumerate(sorted(set(names) - {""}))}
    return torch.tensor([lookup.get(name, -1) for name in names], dtype=torch.int64)


def repeated_names(names: Tensor) -> dict[str, int] | None:
    """Count the names that several items have, and these items; none if there are none."""
    counts = names[names >= 0].bincount()
    counts = counts[counts > 1]
    return {"names": len(counts), "items": int(counts.sum())} if len(counts) else None


def attribute_labels(items: Items) -> dict[str, Tensor]:
    """Return codes `(N,)`, 0 where unknown, of the attributes that have at least two known values."""
    columns = ("category", "category_group", "brand", *items.region_columns)
    labels = {column: items.codes(column) for column in columns}
    return {column: torch.from_numpy(codes) for column, (codes, known) in labels.items() if len(known) > 2}


def nmi(groups: Tensor, labels: Tensor) -> float:
    """Return the normalized mutual information of groups and labels, over the items whose label is not 0."""
    known = labels > 0
    return normalized_mutual_information(groups[known], labels[known])


def neighborhood_summary(
    embeddings: npt.NDArray[np.float32], items: Items, k: int, rows: Tensor | None = None
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return coverage@k of each region level, purity@k and the median km of the k nearest vectors.

    Args:
        embeddings: Shape (N, D), in the order of the items.
        items: The N items.
        k: Number of neighbors.
        rows: Items whose neighbors are searched among all, shape (Q,) int64; every item if none.

    Returns:
        The numbers by name, and their 95 % confidence intervals, none for those of every item.
    """
    vectors = torch.from_numpy(np.require(embeddings, np.float32, "W"))  # a copy of what cannot be written to
    nearest = nearest_vectors(vectors, k, rows=rows)
    named = neighborhood_labels(items, k)
    found = {name: float(agreement_at_k(nearest, codes, rows)) for name, codes in named.items()}
    intervals = {}
    if rows is not None:
        intervals = {name: list(agreement_interval_at_k(nearest, codes, rows)) for name, codes in named.items()}
    if items.located.all():
        lat, lon = torch.from_numpy(items.lat_deg.copy()), torch.from_numpy(items.lon_deg.copy())
        found[f"median_km@{k}"] = float(median_km_at_k(nearest, lat, lon, rows))
        if rows is not None:
            intervals[f"median_km@{k}"] = list(median_km_interval_at_k(nearest, lat, lon, rows))
    return found, intervals


def neighborhood_labels(items: Items, k: int) -> dict[str, Tensor]:
    """Return the codes `(N,)`, 0 where unknown, whose agreement among k neighbors a card tells, by its name there."""
    known = attribute_labels(items)
    named = {f"coverage@{k}/{column}": known[column] for column in items.region_columns if column in known}
    return {**named, f"purity@{k}": known["category"]} if "category" in known else named


def told_of_resolution(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the tokenizer kept in the metadata of its semantic IDs, null where it kept nothing.

    Raises:
        LgsidError: if something there is not what a tokenizer keeps.
    """
    before, changed, error = (metadata.get(name) for name in TOLD)
    numbers = [] if before is None else [before.get(n) for n in RESOLUTION] if isinstance(before, Mapping) else [""]
    numbers += [] if error is None else [error]
    numbers += [] if changed is None else changed if isinstance(changed, list) else [""]
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers):
        raise LgsidError(f"semantic IDs: metadata: {', '.join(TOLD)} are not as a tokenizer writes them")
    return {"before_resolution": before, "changed_by_resolution": changed, "reconstruction_error": error}


def few_distinct(codes: Tensor, before: Mapping[str, Any] | None) -> bool | None:
    """Tell whether too few semantic IDs were distinct before resolution, of the resolved `codes: (N, L)` if need be.

    Args:
        codes: The semantic IDs as they are.
        before: What the tokenizer told of those before resolution, if it did. Without it only the answer yes is known,
            since resolution makes no two semantic IDs equal.
    """
    if before is not None:
        return bool(before["distinct_share"] < FEW_DISTINCT)
    return True if distinct_share(codes) < FEW_DISTINCT else None


def flat_metrics(card: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a card by flat names: `collision_rate`, `km@1`, `ami@1/category`, `same_name@3` ..."""
    names = ("collision_rate", "distinct_share", "largest_bucket", "joint_entropy_bits", "reconstruction_error")
    flat = {name: float(card[name]) for name in names if card.get(name) is not None}
    for row in card["by_depth"]:
        depth = row["depth"]
        for name in ("nmi", "ami"):
            flat |= {f"{name}@{depth}/{column}": float(value) for column, value in row.get(name, {}).items()}
        if row["km"] is not None:
            flat |= {f"km@{depth}": row["km"]["p50"], f"km_random@{depth}": row["km_random"]["p50"]}
        if row["same_name"] is not None:
            flat[f"same_name@{depth}"] = row["same_name"]["pairs"]
        if row.get("next_visit") is not None:
            flat[f"next_visit@{depth}"] = row["next_visit"]["share"]
    return flat
