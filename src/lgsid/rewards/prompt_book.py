"""The prompts that lists are made of, each written once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Items
from lgsid.text import PromptTemplate

Rows = npt.NDArray[np.int64]


class PromptBook:
    """All distinct prompts of a datamodule, numbered in the order in which they are first asked for.

    The full prompts of all places come first, as a part of their own: the alignment encodes the same texts, so that a
    cache of vectors that is kept part by part serves both.

    Attributes:
        texts: All prompts.
        full: Rows of the places' full prompts in `texts`, shape (N,).

    Args:
        template: Template of the prompts.
        items: The places.
    """

    def __init__(self, template: PromptTemplate, items: Items) -> None:
        self.template, self.items = template, items
        self._contents, self._locations = template.contents(items), template.locations(items)
        self.texts: list[str] = []
        self._rows: dict[str, int] = {}
        self._ends: list[int] = []
        own = np.arange(len(items), dtype=np.int64)
        self.full = self.rows(own, own)
        self.end_part()

    @property
    def parts(self) -> list[list[str]]:
        """All prompts, part by part; those after the last end are a part, too."""
        bounds = [0, *self._ends, len(self.texts)]
        return [self.texts[start:end] for start, end in itertools.pairwise(bounds) if start < end]

    def end_part(self) -> None:
        """Let the prompts that are not written yet begin another part."""
        self._ends.append(len(self.texts))

    def rows(self, content: Rows, location: Rows) -> Rows:
        """Write the contents of some places at the locations of others, shapes broadcast; return rows of `texts`."""
        content, location = np.broadcast_arrays(content, location)
        pairs = zip(content.reshape(-1).tolist(), location.reshape(-1).tolist(), strict=True)
        return self.add(self.template.join(self._contents[i], self._locations[j]) for i, j in pairs).reshape(
            content.shape
        )

    def add(self, texts: Iterable[str]) -> Rows:
        """Write texts; return their rows in `texts`, one for each."""
        rows = []
        for text in texts:
            rows.append(self._rows.setdefault(text, len(self._rows)))
            if len(self._rows) > len(self.texts):
                self.texts.append(text)
        return np.array(rows, dtype=np.int64)
