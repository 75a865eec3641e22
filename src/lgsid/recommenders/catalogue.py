"""The items that a recommender ranks, as one module of buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import Self

from lgsid.errors import LgsidError
from lgsid.functional.distances import earth_centered_km, haversine_m
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.typing import DataShape


class Catalogue(nn.Module):
    """Positions, popularity, attributes and semantic IDs of the N items; checkpoints carry it.

    `build` of a recommender creates it empty, `fill` takes the values from the data as part of the training, and a
    checkpoint brings them back. What is derived from the buffers (`trie`, `position_km`) is computed when first asked
    for and forgotten when the buffers change or move.

    Args:
        shape: Sizes of the data.
    """

    lat_deg: Tensor  # (N,) float64
    lon_deg: Tensor  # (N,) float64
    count: Tensor  # (N,) int64 training check-ins
    category: Tensor  # (N,) int64
    brand: Tensor  # (N,) int64, 0 where the item belongs to no chain
    region: Tensor  # (N, R) int64, coarse to fine
    codes: Tensor  # (N, L) int64 semantic IDs; L is 0 where the data carry none

    def __init__(self, shape: DataShape) -> None:
        super().__init__()
        n = shape.n_items
        self.register_buffer("lat_deg", torch.zeros(n, dtype=torch.float64))
        self.register_buffer("lon_deg", torch.zeros(n, dtype=torch.float64))
        self.register_buffer("count", torch.zeros(n, dtype=torch.int64))
        self.register_buffer("category", torch.zeros(n, dtype=torch.int64))
        self.register_buffer("brand", torch.zeros(n, dtype=torch.int64))
        self.register_buffer("region", torch.zeros(n, len(shape.n_regions), dtype=torch.int64))
        self.register_buffer("codes", torch.zeros(n, len(shape.codebook_sizes), dtype=torch.int64))
        self._derived: dict[str, Any] = {}

    def __len__(self) -> int:
        """Return the number of items N."""
        return len(self.lat_deg)

    def fill(self, source: CheckInSource) -> None:
        """Take the values of all buffers from a dataset, its log and its semantic IDs.

        Raises:
            LgsidError: if the catalogue was built for another number of items, or the semantic IDs have other levels.
        """
        items = source.dataset.items
        if len(items) != len(self):
            raise LgsidError(f"catalogue: built for {len(self)} items, the dataset has {len(items)}")
        codes = source.codes
        if codes is not None and codes.shape != self.codes.shape:
            raise LgsidError(
                f"catalogue: built for semantic IDs of {self.codes.shape[1]} levels, not of {codes.shape[1]}"
            )
        self.lat_deg.copy_(torch.from_numpy(items.lat_deg.copy()))
        self.lon_deg.copy_(torch.from_numpy(items.lon_deg.copy()))
        self.count.copy_(torch.from_numpy(source.log.item_counts(len(items), "train")))
        self.category.copy_(torch.from_numpy(items.codes("category")[0]))
        self.brand.copy_(torch.from_numpy(items.codes("brand")[0]))
        for level, column in enumerate(items.region_columns[: self.region.shape[1]]):
            self.region[:, level] = torch.from_numpy(items.codes(column)[0])
        if codes is not None:
            self.codes.copy_(torch.from_numpy(np.ascontiguousarray(codes)))
        self._derived.clear()

    def km(self, origin: Tensor, destination: Tensor) -> Tensor:
        """Return great-circle distances between items; shapes broadcast.

        Args:
            origin: Item rows, -1 where unknown.
            destination: Item rows, -1 where unknown.

        Returns:
            The broadcast shape, float64 km, NaN where either is unknown.
        """
        here, there = origin.clamp_min(0), destination.clamp_min(0)
        meters = haversine_m(self.lat_deg[here], self.lon_deg[here], self.lat_deg[there], self.lon_deg[there])
        return (meters / 1e3).masked_fill((origin < 0) | (destination < 0), torch.nan)

    @property
    def item_codes(self) -> Tensor:
        """The semantic IDs, or each item's own row where there are none, shape (N, max(L, 1)) int64."""
        if self.codes.shape[1]:
            return self.codes
        rows: Tensor = self.derived("rows", lambda: torch.arange(len(self), device=self.codes.device)[:, None])
        return rows

    @property
    def trie(self) -> ItemTrie:
        """The tree of `item_codes`."""
        trie: ItemTrie = self.derived("trie", lambda: ItemTrie(self.item_codes))
        return trie

    @property
    def position_km(self) -> Tensor:
        """Earth-centered positions, shape (N, 3) float32: means of them are where a group of items lies."""
        position: Tensor = self.derived("position", lambda: earth_centered_km(self.lat_deg, self.lon_deg).float())
        return position

    def derived(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` returns, computed when it is first asked for and kept until the buffers change or move.

        Args:
            name: Under which it is kept.
            make: Computes it.
        """
        if name not in self._derived:
            self._derived[name] = make()
        return self._derived[name]

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        """Forget what is derived from the buffers whenever they move."""
        self._derived.clear()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        """Forget what is derived from the buffers whenever a checkpoint fills them."""
        self._derived.clear()
        super()._load_from_state_dict(*args, **kwargs)
