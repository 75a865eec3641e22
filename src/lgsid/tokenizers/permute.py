"""The same semantic IDs, dealt to other places: codes of exactly the same shape that mean nothing."""

from __future__ import annotations

import numpy as np

from lgsid import __version__
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs

PERMUTED = "Permuted"
DESCRIPTION = ("tokenizer", "source", "config", "collision_strategy", "lgsid_version")


def permute(sids: SemanticIDs, items: Items, seed: int) -> SemanticIDs:
    """Deal the semantic IDs of places to the same places at random.

    Codes, tree and the number of places that share each prefix stay as they are; which places these are is drawn. It
    is the strictest control of what the meaning of codes is worth. The draw depends on the seed and on the item ids,
    not on the order of either table. What the tokenizer told of its codes before resolution is of places that no
    longer have them, and is dropped.

    Args:
        sids: Semantic IDs of at least these places, unique or not.
        items: N places.
        seed: Of the draw.

    Returns:
        Semantic IDs in the order of `items`.

    Raises:
        LgsidError: if a place has no semantic ID.
    """
    codes = sids.for_items(items)
    order = np.argsort(items.ids.astype(str), kind="stable")
    dealt = np.empty_like(codes)
    dealt[order] = codes[np.random.default_rng(seed).permutation(order)]
    known = sids.metadata
    metadata = {
        "tokenizer": PERMUTED,
        "config": {"seed": seed},
        "of": {key: known[key] for key in DESCRIPTION if key in known},
        "data_hash": known.get("data_hash", ""),
        "lgsid_version": __version__,
    }
    return SemanticIDs(items.ids, dealt, sids.codebook_sizes, metadata)
