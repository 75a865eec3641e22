"""Base class of what draws the negatives of the click-through task."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.items import Items
from lgsid.construction import CLASS_PATH, INIT_ARGS, Describable, describe
from lgsid.errors import LgsidError

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class NegativeSampler(Describable, ABC):
    """Draw negatives for every check-in of a log: places that its user did not go to then.

    All randomness comes from the generator handed to `draw`; what is counted is counted in the training split only.

    Args:
        n_near: Number of negatives near the user's last place.
        n_any: Number of negatives from anywhere.

    Raises:
        LgsidError: if these are no counts, or both are 0.
    """

    def __init__(self, n_near: int = 2, n_any: int = 2) -> None:
        if n_near < 0 or n_any < 0 or n_near + n_any < 1:
            name = type(self).__name__
            raise LgsidError(f"{name}: n_near and n_any must be 0 or more, and not both 0; they are {n_near}, {n_any}")
        self.n_near, self.n_any = n_near, n_any

    @abstractmethod
    def draw(self, log: CheckInLog, items: Items, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
        """Draw K negatives for each check-in, never its own place.

        Args:
            log: M check-ins.
            items: N places, at least two.
            rng: Random generator, the only source of randomness.

        Returns:
            Item rows (M, K), K is `n_near + n_any`, and which of them were drawn near the user's last place (M, K),
            which needs one.
        """

    def record(self) -> dict[str, Any]:
        """Return the class and all arguments, defaults included, as plain values: what a file of negatives names."""
        described: dict[str, Any] = describe(self)
        parameters = inspect.signature(type(self)).parameters.values()
        defaults = {p.name: describe(p.default) for p in parameters if p.default is not p.empty}
        return {CLASS_PATH: described[CLASS_PATH], INIT_ARGS: {**defaults, **described[INIT_ARGS]}}
