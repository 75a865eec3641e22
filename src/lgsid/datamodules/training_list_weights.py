"""Sampling weights of the kinds of lists that a reward model is trained on."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from lgsid.errors import LgsidError


@dataclass(frozen=True)
class TrainingListWeights:
    """Sampling weights of the kinds of training lists; they need not sum to one.

    Moved and crossed lists are our addition: they are made of the prompts of mismatched lists, so they cost no
    encoding, and teach the head to read the location of a prompt whatever its content.

    Source: prompt mismatching of LGSID (arXiv 2511.14221); see `docs/method.md`.

    Args:
        mismatched: Weight of lists of the anchor's content at other locations (prompt mismatching).
        moved: Weight of mismatched lists in which the anchor's content stands at another place's location as well.
        full: Weight of lists of the full prompts of other places.
        crossed: Weight of lists in which each location, the anchor's too, stands under the content of any place that
            was written there.

    Raises:
        LgsidError: if a weight is negative, or all are zero.
    """

    mismatched: float = 1.0
    moved: float = 1.0
    full: float = 1.0
    crossed: float = 1.0

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0 or sum(astuple(self)) <= 0:
            raise LgsidError(f"TrainingListWeights: weights must not be negative, nor all zero, not {astuple(self)}")

    def shares(self) -> tuple[float, ...]:
        """Return the weights in the order of the fields, summing to 1."""
        return tuple(weight / sum(astuple(self)) for weight in astuple(self))

    @property
    def needs_mismatches(self) -> bool:
        """Whether any list is made of mismatched prompts."""
        return self.mismatched + self.moved + self.crossed > 0
