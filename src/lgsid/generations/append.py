"""Publish new places behind those that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.items import Items
from lgsid.errors import LgsidError
from lgsid.generations.change import Change
from lgsid.generations.delta import APPENDED, RETURNED, Delta
from lgsid.generations.prefixes import first_change
from lgsid.generations.register import Mask, Register, Rows, as_array, moved, places_of, renamed
from lgsid.generations.update import Update

if TYPE_CHECKING:
    from lgsid.generations.generation import Generation
    from lgsid.tokenizers.tokenizer import Tokenizer


class Append(Update):
    """Give semantic IDs to new places, and retired ones that are open again their own.

    New places go behind the others, in the order of the given table, and get semantic IDs that nobody has or had.
    They are placed together, so the same places in two parts may get other ones than in one. A place that is published
    and open stays as it is, whatever the table says of it: that is for `Move`.

    Args:
        items: The places.
        embeddings: Their vectors, from the encoder that the tokenizer was fitted with, if it needs them.
        tokenizer: The tokenizer; that of the generation if not given.
        checkpoint: Where its checkpoint is now, if it is not where it was.
    """

    command = "append"

    def __init__(
        self,
        items: Items,
        embeddings: Embeddings | None = None,
        tokenizer: Tokenizer | None = None,
        checkpoint: str | Path | None = None,
    ) -> None:
        self.items, self.embeddings = items, embeddings
        self.tokenizer, self.checkpoint = tokenizer, checkpoint

    def apply(self, current: Generation) -> Change:
        """Return the places with the new ones behind.

        Raises:
            LgsidError: if there is no tokenizer, or it cannot place them.
        """
        register, given = current.register, places_of(self.items)
        rows = register.rows(as_array(given["item_id"]))
        new, back = rows < 0, (rows >= 0) & register.retired[rows]
        told: dict[str, Any] = {"published": int((~new & ~back).sum()), "other": self._other(register, given, rows)}
        deltas = []
        result = register
        if back.any():
            result = result.with_retired(rows[back], False)
            codes = register.codes[rows[back]]
            deltas.append(Delta.of(as_array(given.filter(pa.array(back))["item_id"]), RETURNED, codes, codes).table)
        if new.any():
            result, delta, displaced = self._appended(current, result, given, new)
            told["displaced"] = displaced
            deltas.append(delta.table)
        table = pa.concat_tables(deltas) if deltas else Delta.of(register.ids[:0], APPENDED, None, None).table
        return Change(result, Delta(table), current.manifest.tokenizer, told, bool(deltas))

    def _appended(
        self, current: Generation, register: Register, given: pa.Table, new: Mask
    ) -> tuple[Register, Delta, list[int]]:
        """Return the register with the new places, what changed, and how many got another code at each level."""
        from lgsid.generations.fresh_codes import FreshCodes

        tokenizer = self.tokenizer or tokenizer_of(current, self.checkpoint)
        fresh = FreshCodes(tokenizer, self.items.take(new), self.embeddings, register.codebook_sizes)
        codes, sizes = fresh.beside(np.ones(int(new.sum()), dtype=bool), register.relabeling.codes(register.taken))
        levels = len(fresh.sizes)
        first = first_change(fresh.raw, codes[:, :levels])
        labels = register.relabeling.labels(codes)
        places = given.filter(pa.array(new))
        delta = Delta.of(as_array(places["item_id"]), APPENDED, None, labels)
        return register.appended(places, labels, sizes), delta, [int((first == level).sum()) for level in range(levels)]

    @staticmethod
    def _other(register: Register, given: pa.Table, rows: Rows) -> int:
        """Return how many places that are published have another position or name in the table."""
        known = rows >= 0
        old, new = register.places.take(pa.array(rows[known])), given.filter(pa.array(known))
        return int((moved(old, new) | renamed(old, new)).sum())


def tokenizer_of(current: Generation, checkpoint: str | Path | None) -> Tokenizer:
    """Load the tokenizer of a generation.

    Raises:
        LgsidError: if it has none, or the checkpoint is not there.
    """
    if current.manifest.tokenizer is None:
        raise LgsidError(
            f"{current.root}: published without a tokenizer, so that no place can get a code; publish it"
            " with --checkpoint"
        )
    return current.manifest.tokenizer.load(current.root, checkpoint)
