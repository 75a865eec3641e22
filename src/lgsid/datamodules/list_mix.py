"""Which lists a reward is trained on."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from lgsid.errors import LgsidError


@dataclass(frozen=True)
class ListMix:
    """Weights of the kinds of training lists.

    Moved and crossed lists are our addition: they are made of the prompts of mismatched lists, so they cost no
    encoding, and teach the head to read the location of a prompt whatever its content.

    Args:
        mismatched: The anchor's content at other locations (prompt mismatching, METHOD 1).
        moved: As mismatched, but the anchor's content stands at another place's location as well.
        full: Full prompts of other places.
        crossed: Each location, the anchor's too, under the content of any place that was written there.
    """

    mismatched: float = 1.0
    moved: float = 1.0
    full: float = 1.0
    crossed: float = 1.0

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0 or sum(astuple(self)) <= 0:
            raise LgsidError(f"ListMix: weights must not be negative, nor all zero, not {astuple(self)}")

    def shares(self) -> tuple[float, ...]:
        """Return the weights in the order of the fields, summing to 1."""
        return tuple(weight / sum(astuple(self)) for weight in astuple(self))

    @property
    def needs_mismatches(self) -> bool:
        """Tell whether any list is made of mismatched prompts."""
        return self.mismatched + self.moved + self.crossed > 0
