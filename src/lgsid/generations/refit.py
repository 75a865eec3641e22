"""Replace all semantic IDs by those of another tokenizer, with labels under which they change least."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lgsid.artefacts.numbered_ids import NumberedIds
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.generations.by_prefix import ByPrefix
from lgsid.generations.change import Change
from lgsid.generations.churn import Churn
from lgsid.generations.delta import RECODED, Delta
from lgsid.generations.register import GIVEN_AT, POSITION, TOLD, Register, with_columns
from lgsid.generations.relabeler import Relabeler
from lgsid.generations.tokenizer_file import TokenizerFile
from lgsid.generations.update import Update

if TYPE_CHECKING:
    from lgsid.generations.generation import Generation


class Refit(Update):
    """Publish the semantic IDs of another tokenizer for the same places.

    Every place, retired ones too, gets its new semantic ID. What was left by places that were reassigned is free
    again: it belonged to the old codebooks. Labels are chosen by a `Relabeler`; the generation keeps them, so that
    places that come later get theirs in the same labels.

    Args:
        sids: Semantic IDs of all published places, as the new tokenizer gives them.
        checkpoint: Its checkpoint; without it, no place can be appended later.
        relabeler: Chooses the labels; `ByPrefix` if not given.
    """

    command = "refit"

    def __init__(
        self, sids: SemanticIDs, checkpoint: str | Path | None = None, relabeler: Relabeler | None = None
    ) -> None:
        self.sids, self.checkpoint = sids, checkpoint
        self.relabeler = relabeler or ByPrefix()

    def apply(self, current: Generation) -> Change:
        """Return the places with new semantic IDs.

        Raises:
            LgsidError: if a published place has none, or two share one.
        """
        register = current.register
        rows = NumberedIds(self.sids.item_ids).numbers(register.ids.to_pylist())
        if (rows < 0).any():
            first = register.ids[int(np.flatnonzero(rows < 0)[0])].as_py()
            raise LgsidError(
                f"semantic IDs: none for {int((rows < 0).sum()):,} of {len(register):,} published places, first"
                f" {first!r}; tokenize all of them, retired ones too"
            )
        Register.check_unique(self.sids)
        new, sizes = self.sids.codes[rows], self.sids.codebook_sizes
        relabeling = self.relabeler.relabeling(register.codes, new, sizes)
        labels = relabeling.labels(new)
        tokenizer = None if self.checkpoint is None else TokenizerFile.of(self.checkpoint, current.root)
        same = labels.shape == register.codes.shape
        changed = (labels != register.codes).any(axis=1) if same else np.ones(len(register), dtype=bool)
        delta = Delta.of(register.ids.filter(pa.array(changed)), RECODED, register.codes[changed], labels[changed])
        here = {at: register.places[now] for at, now in zip(GIVEN_AT, POSITION, strict=True)}
        result = replace(
            register,
            places=with_columns(register.places, here),
            codes=labels,
            codebook_sizes=sizes,
            left_rows=register.left_rows[:0],
            left_codes=labels[:0],
            relabeling=relabeling,
            metadata={name: self.sids.metadata[name] for name in TOLD if name in self.sids.metadata},
        )
        told = {
            "churn": {
                "as they are": Churn.between(register.codes, new).to_dict(),
                type(self.relabeler).__name__: Churn.between(register.codes, labels).to_dict(),
            },
            "others": len(self.sids) - len(register),
        }
        explained = same and np.array_equal(register.relabeling.labels(new), register.codes)
        is_new = bool(changed.any()) or not explained or tokenizer != current.manifest.tokenizer
        return Change(result, delta, tokenizer, told, is_new)
