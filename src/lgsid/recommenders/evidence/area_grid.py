"""Sums over the surroundings of places, through a grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag
from typing_extensions import Self

CORNERS = 8


@dataclass(frozen=True)
class AreaGrid:
    """Cubes of one width around the Earth, by whose corners values at places are summed and read back.

    A place gives to the corners of its cube, and takes from them, by trilinear weights, which sum to one. Places at one
    spot count most for each other, those two widths apart not at all, at a cost that grows with the number of places
    and not with that of their pairs.
    """

    corner: Tensor  # (N, 8) int64 corners of each place
    weight: Tensor  # (N, 8) float32
    place: Tensor  # (8 N,) int64 places of each corner, those of a corner follow each other
    share: Tensor  # (8 N,) float32 their weights
    begin: Tensor  # (C,) int64 where the places of each corner begin

    @classmethod
    def of(cls, position_km: Tensor, width_km: float) -> Self:
        """Build the grid of places.

        Args:
            position_km: Shape (N, 3), Earth-centered positions.
            width_km: Width of a cube.
        """
        at = position_km.double() / width_km
        low = at.floor()
        step = torch.cartesian_prod(*[torch.arange(2, device=at.device)] * 3)  # (8, 3)
        part = (at - low)[:, None]
        weight = torch.where(step == 1, part, 1 - part).prod(-1).float()
        corner = torch.zeros(len(at) * CORNERS, dtype=torch.int64, device=at.device)
        for along in (low.long()[:, None] + step).flatten(0, 1).T:  # one axis at a time: rows as a whole sort slowly
            along = along - along.min()
            _, corner = (corner * (along.max() + 1) + along).unique(return_inverse=True)
        count = corner.bincount()
        order = corner.argsort(stable=True)
        return cls(
            corner=corner.view(-1, CORNERS),
            weight=weight,
            place=order // CORNERS,
            share=weight.flatten()[order],
            begin=count.cumsum(0) - count,
        )

    def around(self, values: Tensor) -> Tensor:
        """Return the sums of values around each place.

        Args:
            values: Shape (B, N) float32.

        Returns:
            Shape (B, N) float32.
        """
        if not len(values):  # on several threads, embedding_bag fails on empty rows
            return values
        at_corners = embedding_bag(
            self.place, values.T.contiguous(), self.begin, mode="sum", per_sample_weights=self.share
        )  # (C, B)
        return self._at_places(at_corners)

    def around_some(self, place: Tensor, value: Tensor, at: Tensor | None = None) -> Tensor:
        """Return the sums around places of values at a few: `around` of the table that has them, at less cost.

        Args:
            place: Shape (B, T) int64, a place may occur more than once.
            value: Shape (B, T) float32, zero at padding, whose place is any one.
            at: Shape (B, C) int64, around which places; around all of them, C = N, if not given.

        Returns:
            Shape (B, C) float32.
        """
        n = len(place)
        if not n:
            return torch.zeros(0, len(self.corner) if at is None else at.shape[1], device=place.device)
        query = torch.arange(n, device=place.device)[:, None, None]
        cell, given = self.corner[place] * n + query, self.weight[place] * value[..., None]
        at_corners = torch.zeros(len(self.begin) * n, device=place.device)
        at_corners.index_add_(0, cell.flatten(), given.flatten())
        if at is None:
            return self._at_places(at_corners.view(len(self.begin), n))
        return (at_corners[self.corner[at] * n + query] * self.weight[at]).sum(2)

    def _at_places(self, at_corners: Tensor) -> Tensor:
        """Read values at corners (C, B) back at the places, shape (B, N)."""
        return embedding_bag(self.corner, at_corners, mode="sum", per_sample_weights=self.weight).T
