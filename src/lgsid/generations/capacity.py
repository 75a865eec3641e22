"""How full the tree of semantic IDs is, level by level."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lgsid.generations.prefixes import number_prefixes
from lgsid.generations.register import Register


def capacity_of(register: Register) -> Mapping[str, Any]:
    """Return what semantic IDs are given and how many are left.

    Returns:
        Plain values:

        - `places`: `published`, of which `open` and `retired`
        - `slots`: semantic IDs that are `given`, of which `left` by their places, and `free`, of all that the
          codebooks hold
        - `codebook_sizes`
        - `by_depth`, for the prefixes of 1, 2, ... L codes: `possible` and `used` prefixes, `room` (semantic IDs below
          each), `fullest` (most of them given below one), `full` (prefixes without a free one), and `sharing`, the
          places that share the prefix with another place: at the last depth, collisions
    """
    taken, sizes = register.taken, register.codebook_sizes
    by_depth = []
    for depth in range(1, len(sizes) + 1):
        groups = number_prefixes(taken[:, :depth])
        counts = np.bincount(groups)
        of_places = groups[: len(register)]
        room = math.prod(sizes[depth:])
        by_depth.append(
            {
                "possible": math.prod(sizes[:depth]),
                "used": len(counts),
                "room": room,
                "fullest": int(counts.max()),
                "full": int((counts >= room).sum()),
                "sharing": int((np.bincount(of_places, minlength=len(counts))[of_places] > 1).sum()),
            }
        )
    retired = int(register.retired.sum())
    return {
        "places": {"published": len(register), "open": len(register) - retired, "retired": retired},
        "slots": {
            "given": len(taken),
            "left": len(register.left_rows),
            "free": math.prod(sizes) - len(taken),
        },
        "codebook_sizes": list(sizes),
        "by_depth": by_depth,
    }
