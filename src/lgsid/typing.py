"""Shapes and batches that parts of the framework hand each other.

Shape letters, the same in every docstring: B batch, T time (history length), L levels of a semantic ID,
K codes of a level (or candidates of a list), D width of a vector, R region levels, N items, U users.
Item rows are positions in the items table, `-1` is padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from lgsid.errors import LgsidError


@dataclass(frozen=True)
class Batch:
    """A frozen set of tensors that moves between devices as one. Arrays (texts, which no device holds) stay."""

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """Return the same batch with every tensor on `device`."""
        moved = {
            f.name: value.to(device, non_blocking=non_blocking)
            for f in fields(self)
            if isinstance(value := getattr(self, f.name), Tensor)
        }
        return replace(self, **moved)

    def take(self, rows: Tensor) -> Self:
        """Return the given rows of every tensor and array, `rows: (B',)` int64 or `(B,)` bool."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        taken = {name: value[rows] for name, value in values.items() if isinstance(value, Tensor)}
        arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        if arrays:
            at = rows.cpu().numpy()
            taken |= {name: value[at] for name, value in arrays.items()}
        return replace(self, **taken)

    def cut(self, start: int, end: int) -> Self:
        """Return the rows from `start` to before `end` of every tensor and array, without copying them."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{n: v[start:end] for n, v in values.items() if isinstance(v, (Tensor, np.ndarray))})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return batches of tensors as one; all but the first axis must agree."""
        return cls(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def __len__(self) -> int:
        """Return the batch size B."""
        return len(getattr(self, fields(self)[0].name))


@dataclass(frozen=True)
class ItemBatch(Batch):
    """Items as a tokenizer sees them, each with the id that its codes are stored under."""

    item: Tensor  # (B,) int64 item rows
    item_id: npt.NDArray[np.object_]  # (B,) Python strings
    lat_deg: Tensor  # (B,) float64
    lon_deg: Tensor  # (B,) float64
    region: Tensor  # (B, R) int64 codes, coarse to fine
    category: Tensor  # (B,) int64
    category_group: Tensor  # (B,) int64
    brand: Tensor  # (B,) int64, 0 where the item belongs to no chain
    embedding: Tensor  # (B, D) float32

    def embedding_by_row(self) -> Tensor:
        """Return the vectors of a whole table of items in the order of its rows, not copied if they are in it."""
        rows = torch.arange(len(self), device=self.item.device)
        return (
            self.embedding
            if torch.equal(self.item, rows)
            else torch.empty_like(self.embedding).index_copy_(0, self.item, self.embedding)
        )


@dataclass(frozen=True)
class RewardBatch(Batch):
    """Lists of candidates for an anchor. Column 0 is the anchor itself."""

    anchor: Tensor  # (B,) int64 item rows
    candidate: Tensor  # (B, K+1) int64 item rows whose locations are the candidates
    prompt: Tensor  # (B, K+1) int64 rows of the datamodule's prompts
    label: Tensor  # (B, K+1) float32, not negative: how good a candidate is, by what its kind of list asks
    distance_km: Tensor  # (B, K+1) float32 from the anchor to the location of the candidate


@dataclass(frozen=True)
class PreferenceBatch(Batch):
    """Preference pairs: `chosen` should sit nearer to `anchor` than each of `rejected`."""

    anchor: Tensor  # (B,) int64 item rows
    chosen: Tensor  # (B,) int64 item rows
    rejected: Tensor  # (B, K) int64 item rows, K >= 1
    positive: Tensor | None = None  # (B, B) bool, the anchor of row i may not reject the place chosen in row j


@dataclass(frozen=True)
class SequenceBatch(Batch):
    """Queries of next-place recommendation: who, when, and what came before."""

    row: Tensor  # (B,) int64 row of the query in the interactions table (sorted by time)
    user: Tensor  # (B,) int64
    history: Tensor  # (B, T) int64 item rows, oldest first, right-aligned, -1 is padding
    history_age_s: Tensor  # (B, T) float64 seconds from the event to the query
    history_hour: Tensor  # (B, T) float32 local hour 0..24
    history_weekday: Tensor  # (B, T) int64 0 is Monday
    hour: Tensor  # (B,) float32 local hour of the query
    weekday: Tensor  # (B,) int64
    target: Tensor  # (B,) int64 item rows, -1 where unknown (live recommendation)
    is_new: Tensor  # (B,) bool, the user has never been to the target before
    # The user's training check-ins from the query on, left-aligned: what counts over that split know too early.
    later: Tensor | None = field(default=None, kw_only=True)  # (B, F) int64 item rows, oldest first, -1 is padding
    later_hour: Tensor | None = field(default=None, kw_only=True)  # (B, F) float32 local hour 0..24
    later_weekday: Tensor | None = field(default=None, kw_only=True)  # (B, F) int64 0 is Monday

    def recent(self, length: int) -> Self:
        """Return the same queries with the most recent `length` check-ins of their histories."""
        kept = slice(max(0, self.history.shape[1] - length), None)
        return replace(
            self,
            history=self.history[:, kept],
            history_age_s=self.history_age_s[:, kept],
            history_hour=self.history_hour[:, kept],
            history_weekday=self.history_weekday[:, kept],
        )


@dataclass(frozen=True)
class CTRBatch(SequenceBatch):
    """Queries of a click-through task, each once, with C candidates: the place visited first, negatives behind it."""

    candidate: Tensor  # (B, C) int64 item rows
    label: Tensor  # (B, C) float32, 1 where the candidate is the target
    near: Tensor  # (B, C) bool, a negative drawn near the user's last place, or a positive


MAX_SIZE = 2**31 - 1
"""Of anything that is counted: items, users, codes."""


@dataclass(frozen=True)
class DataShape:
    """Sizes that a model needs to build its layers. They come from the datamodule and travel in the checkpoint."""

    n_items: int
    n_users: int = 0
    n_regions: tuple[int, ...] = ()  # codes per region level, coarse to fine
    n_categories: int = 0
    n_category_groups: int = 0
    n_brands: int = 0  # with code 0 for "no chain"
    embedding_dim: int = 0
    codebook_sizes: tuple[int, ...] = ()  # of the semantic IDs, if the datamodule carries any

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DataShape:
        """Rebuild from the plain dictionary kept in a checkpoint.

        Raises:
            LgsidError: naming the first entry that is none of these sizes, or no size.
        """
        known = {f.name: f.default for f in fields(cls)}
        if not isinstance(values, Mapping) or "n_items" not in values:
            raise LgsidError("the sizes of its data are missing; train again")
        plain: dict[str, Any] = {}
        for name, value in values.items():
            many = isinstance(value, (list, tuple))
            sizes = tuple(value) if many else (value,)
            fits = all(isinstance(size, (int, np.integer)) and 0 <= size <= MAX_SIZE for size in sizes)
            if name not in known or many != isinstance(known[name], tuple) or not fits:
                raise LgsidError(f"{name} {str(value)[:60]!r} is no size of data; train again")
            plain[name] = tuple(map(int, sizes)) if many else int(value)
        return cls(**plain)
