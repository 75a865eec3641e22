"""The codes that a tokenizer gives to places today, beside the semantic IDs that are taken."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.items import Items
from lgsid.errors import LgsidError
from lgsid.functional.capacity import ENTRIES
from lgsid.generations.prefixes import Codes, first_change
from lgsid.tokenizers.tokenizer import Tokenizer


class FreshCodes:
    """The codes of n places, in the tokenizer's own labels.

    Args:
        tokenizer: A fitted tokenizer.
        items: The places, n.
        embeddings: Their vectors, if the tokenizer needs them.
        codebook_sizes: Of the published semantic IDs.

    Raises:
        LgsidError: if a place has no coordinates or no vector, or the tokenizer makes other semantic IDs than the
            published ones.
    """

    def __init__(
        self, tokenizer: Tokenizer, items: Items, embeddings: Embeddings | None, codebook_sizes: tuple[int, ...]
    ) -> None:
        if not items.located.all():
            raise LgsidError(
                f"items table: {int((~items.located).sum()):,} places have no coordinates, first"
                f" {items.ids[~items.located][0]!r}; a tokenizer needs them"
            )
        self.strategy, self.sizes = tokenizer.collisions, tokenizer.codebook_sizes
        self.order = np.argsort(items.ids.astype(str), kind="stable")  # ids settle ties, as in `Tokenizer.tokenize`
        self.place = np.argsort(self.order)
        with torch.no_grad():
            batch = tokenizer.batch_of(items, embeddings).take(torch.from_numpy(self.order)).to(tokenizer.device)
            self.encoded = tokenizer.encode(batch).cpu().numpy()
            self.distances = tokenizer.code_distances(batch)
            one = self.strategy.resolve(self.encoded[:1], self.sizes, self.distances)
        n_levels = len(one.codebook_sizes)
        if one.names is None and (
            n_levels != len(codebook_sizes) or self.sizes != tuple(codebook_sizes[: len(self.sizes)])
        ):
            raise LgsidError(
                f"the published semantic IDs have {shape(codebook_sizes)} codes, this tokenizer makes {n_levels} levels"
                f" of {shape(self.sizes)}; it is not the one that they were made with"
            )

    @property
    def raw(self) -> Codes:
        """The codes before collisions are resolved, (n, L)."""
        return self.encoded[self.place]

    def beside(self, wanted: npt.NDArray[np.bool_], taken: Codes) -> tuple[Codes, tuple[int, ...]]:
        """Return codes for some places that nobody has, and the codebook sizes with them.

        Args:
            wanted: (n,) which places; m of them.
            taken: (M, L') codes that are taken.

        Returns:
            (m, L') codes in the order of the places.

        Raises:
            LgsidError: if they do not fit.
        """
        at = np.flatnonzero(wanted[self.order])

        def distances(rows: Codes, codes: Codes, level: int) -> npt.NDArray[np.float64]:
            return self.distances(at[rows], codes, level)

        with torch.no_grad():
            found = self.strategy.extend(self.encoded[at], self.sizes, distances, taken)
        codes = np.empty_like(found.codes)
        codes[np.argsort(np.argsort(self.order[at]))] = found.codes
        return codes, found.codebook_sizes

    def nearer(self, one: Codes, other: Codes) -> npt.NDArray[np.bool_]:
        """Return which of the n places are nearer to `one: (n, L')` than to `other: (n, L')`, (n,).

        The first code that differs decides, among codes that mean something: a counter does not.
        """
        first = first_change(one, other)
        found = np.zeros(len(one), dtype=bool)
        for level, size in enumerate(self.sizes):
            differing = np.flatnonzero(first == level)
            for rows in np.array_split(differing, 1 + len(differing) * size // ENTRIES):
                earlier = np.ascontiguousarray(one[rows][:, : len(self.sizes)])
                far = self.distances(self.place[rows], earlier, level)
                at = np.arange(len(rows))
                found[rows] = far[at, one[rows, level]] < far[at, other[rows, level]]
        return found


def shape(codebook_sizes: tuple[int, ...]) -> str:
    """Return the sizes of codebooks as a text."""
    return " x ".join(map(str, codebook_sizes))
