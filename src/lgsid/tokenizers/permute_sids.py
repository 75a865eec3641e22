"""Semantic IDs randomly permuted across items: codes of exactly the same shape that mean nothing."""

from __future__ import annotations

import numpy as np

from lgsid import __version__
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs

PERMUTED = "Permuted"
DESCRIPTION = ("tokenizer", "source", "config", "collision_strategy", "lgsid_version")


def permute_across_items(sids: SemanticIDs, items: Items, seed: int) -> SemanticIDs:
    """Permute the semantic IDs of items randomly across the same items.

    Codes, tree and the number of items that share each prefix stay as they are; which items these are is random. It
    is the strictest control of what the meaning of codes is worth. The permutation depends on the seed and on the item
    ids, not on the order of either table. What the tokenizer reported of its codes before resolution is of items that
    no longer have them, and is dropped.

    Args:
        sids: Semantic IDs of at least these items, unique or not.
        items: N items.
        seed: Random seed for the permutation.

    Returns:
        Semantic IDs in the order of `items`.

    Raises:
        LgsidError: if an item has no semantic ID.
    """
    codes = sids.for_items(items)
    order = np.argsort(items.ids.astype(str), kind="stable")
    permuted = np.empty_like(codes)
    permuted[order] = codes[np.random.default_rng(seed).permutation(order)]
    known = sids.metadata
    metadata = {
        "tokenizer": PERMUTED,
        "config": {"seed": seed},
        "of": {key: known[key] for key in DESCRIPTION if key in known},
        "data_hash": known.get("data_hash", ""),
        "lgsid_version": __version__,
    }
    return SemanticIDs(items.ids, permuted, sids.codebook_sizes, metadata)
