"""The part in which click models differ: what a history says about a candidate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor, nn

from lgsid.construction import Describable
from lgsid.recommenders.click.place_pairs import PlacePairs


@dataclass(frozen=True)
class ClickSizes:
    """The sizes that an interest extractor needs to create its layers.

    Args:
        event: Width D of the embeddings of events and candidates.
        context: Number X of values that say when an event was.
        match: Number Y of values that say what an event and a candidate share.
        cross: Number G of values of `PlacePairs.cross`: those, the shared regions and the distance.
        items: Number N of items.
    """

    event: int
    context: int
    match: int
    cross: int
    items: int


@dataclass(frozen=True)
class ClickInputs:
    """What an interest extractor sees of B queries with T events and C candidates each.

    Args:
        event: Shape (B, T, D), embeddings of the places of the history, oldest first.
        context: Shape (B, T, X), when each event was, relative to the query.
        mask: Shape (B, T) bool, False at padding.
        candidate: Shape (B, C, D), embeddings of the candidates.
        history: Shape (B, T) int64, item rows of the events, 0 at padding.
        item: Shape (B, C) int64, item rows of the candidates.
        embed: Embeds item rows of any shape (...) as (..., D), for negatives of an auxiliary loss.
        pairs: Compares events with candidates, also those of a few events that were searched for.
        label: Shape (B, C) float32 in training, 1 where the candidate was visited; none otherwise.
    """

    event: Tensor
    context: Tensor
    mask: Tensor
    candidate: Tensor
    history: Tensor
    item: Tensor
    embed: Callable[[Tensor], Tensor]
    pairs: PlacePairs
    label: Tensor | None = None

    @cached_property
    def match(self) -> Tensor:
        """What events and candidates share: place, category, prefixes of the semantic ID. (B, C, T, Y) float32."""
        return self.pairs.match(self.history[:, None], self.item[:, :, None])


@dataclass(frozen=True)
class Interest:
    """What an interest extractor returns.

    Args:
        vector: Shape (B, C, dim), the user's interest as far as it concerns each candidate.
        losses: Auxiliary losses by name, scalars, already weighted; they are added to the cross-entropy in training.
    """

    vector: Tensor
    losses: Mapping[str, Tensor] = field(default_factory=dict)


class InterestExtractor(Describable, nn.Module, ABC):
    """Summarize histories for candidates; `build` is called once the sizes are known and sets `dim`.

    Embedding tables, features of the candidate and the final network belong to the `ClickModel` around it.
    """

    dim: int = 0
    """Width of the interest vectors."""

    @abstractmethod
    def build(self, sizes: ClickSizes) -> None:
        """Create the layers."""

    @abstractmethod
    def forward(self, inputs: ClickInputs) -> Interest:
        """Return the interest of each query in each of its candidates, with auxiliary losses where labels are given."""
