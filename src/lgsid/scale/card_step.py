"""The counts that a card of a catalogue is made of, of one part of its semantic IDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch

from lgsid.artefacts.codes import codes_of_columns, level_columns
from lgsid.artefacts.files import write_json
from lgsid.artefacts.items import Items
from lgsid.functional.sids import group_rows, within_group_km
from lgsid.scale.counts import km_histogram, size_histogram
from lgsid.scale.part_files import batches, items_of
from lgsid.scale.step import Step
from lgsid.scale.task import Task

ATTRIBUTES = ("category", "category_group", "brand")


class CardStep(Step):
    """Count what the card needs of places of a range of first codes: groups by size, with each attribute, distances.

    All that is counted adds up over parts, since no prefix is in two of them. Distances are of a sample of the pairs
    of places of one prefix.

    Args:
        max_pairs: Number of pairs of places whose distances are taken, of each part and depth.
        seed: Random seed of the pairs.
    """

    ending: ClassVar[str] = ".json"

    def __init__(self, max_pairs: int = 50_000, seed: int = 0) -> None:
        self.max_pairs, self.seed = max_pairs, seed

    def describe(self) -> Mapping[str, Any]:
        """Return the arguments."""
        return {"max_pairs": self.max_pairs, "seed": self.seed}

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write the counts as JSON."""
        table = pa.concat_tables(batches(task.source, ("item_id", "level_1")))
        names = level_columns(table.column_names, task.source)
        codes = codes_of_columns({name: table[name] for name in names}, task.source)
        items = items_of(table, task.source)
        labels = attribute_codes(items)
        write_json(
            target,
            {
                "items": len(codes),
                "located": int(items.located.sum()),
                "first": [int(codes[:, 0].min()), int(codes[:, 0].max())],
                "levels": [np.bincount(column).tolist() for column in codes.T],
                "labels": {name: counts for name, (_, counts) in labels.items()},
                "depths": [
                    self.depth(codes[:, : depth + 1], items, {name: code for name, (code, _) in labels.items()})
                    for depth in range(codes.shape[1])
                ],
            },
        )
        return {"rows": len(codes)}

    def depth(
        self, prefixes: np.ndarray[Any, np.dtype[np.int64]], items: Items, labels: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the counts of the prefixes of one depth, of `prefixes: (N, depth)`."""
        groups = group_rows(torch.from_numpy(np.ascontiguousarray(prefixes)))
        column = groups.numpy()[:, None]
        known = {name: code > 0 for name, code in labels.items()}
        attributes = {
            name: {
                "groups": size_histogram(column[known[name]]),
                "cells": size_histogram(np.column_stack([column, code])[known[name]]),
            }
            for name, code in labels.items()
        }
        return {"sizes": size_histogram(column), "attributes": attributes, "km": self.km(groups, items)}

    def km(self, groups: torch.Tensor, items: Items) -> dict[str, Any]:
        """Return distances of pairs of one prefix: how many pairs there are, and a histogram and the mean of some."""
        at = torch.from_numpy(items.located)
        counts = groups[at].bincount().double()
        lat, lon = torch.from_numpy(items.lat_deg.copy())[at], torch.from_numpy(items.lon_deg.copy())[at]
        if not int(at.sum()):
            return {"pairs": 0, "sampled": 0, "mean": 0.0, "bins": {}}
        km = within_group_km(lat, lon, groups[at], self.max_pairs, self.seed).numpy()
        return {
            "pairs": int((counts * (counts - 1) / 2).sum()),
            "sampled": len(km),
            "mean": float(km.mean()) if len(km) else 0.0,
            "bins": km_histogram(km),
        }


def attribute_codes(items: Items) -> dict[str, tuple[np.ndarray[Any, np.dtype[np.int64]], dict[str, int]]]:
    """Return the codes (N,) of each attribute, 0 where unknown, and how many places have each known value."""
    found = {}
    for name in (*ATTRIBUTES, *items.region_columns):
        codes, values = items.codes(name)
        counts = Counter(codes[codes > 0].tolist())
        found[name] = (codes, {values[code]: count for code, count in sorted(counts.items())})
    return found
