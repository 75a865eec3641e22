"""Close places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lgsid.generations.change import Change
from lgsid.generations.delta import RETIRED, Delta
from lgsid.generations.update import Update

if TYPE_CHECKING:
    from lgsid.generations.generation import Generation


class Retire(Update):
    """Mark places as closed. Their rows stay, and their semantic IDs are given to nobody else.

    Args:
        item_ids: Their ids.
    """

    command = "retire"

    def __init__(self, item_ids: Sequence[str]) -> None:
        self.item_ids = list(dict.fromkeys(map(str, item_ids)))

    def apply(self, current: Generation) -> Change:
        """Return the places with these closed; those that are closed already stay so.

        Raises:
            LgsidError: if one is not published.
        """
        register = current.register
        rows = register.known_rows(pa.array(self.item_ids, pa.string()), "check their ids")
        closing = np.sort(rows[~register.retired[rows]])
        codes = register.codes[closing]
        delta = Delta.of(register.ids.take(pa.array(closing)), RETIRED, codes, codes)
        told = {"retired_before": len(rows) - len(closing)}
        return Change(
            register.with_retired(closing, True), delta, current.manifest.tokenizer, told, is_new=len(closing) > 0
        )
