"""Take new positions and names of places, and tell whose semantic IDs are out of date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.items import Items
from lgsid.errors import LgsidError
from lgsid.functional.distances import chord_to_m, unit_vectors
from lgsid.generations.append import tokenizer_of
from lgsid.generations.change import Change
from lgsid.generations.delta import MOVED, REASSIGNED, RENAMED, Delta
from lgsid.generations.register import GIVEN_AT, POSITION, Rows, as_array, moved, places_of, renamed
from lgsid.generations.update import Update

if TYPE_CHECKING:
    from lgsid.generations.generation import Generation
    from lgsid.generations.staleness import Staleness
    from lgsid.tokenizers.tokenizer import Tokenizer


class Move(Update):
    """Take what a table now says of published places. They keep their semantic IDs unless asked.

    Of all places of the table it is told which would get another semantic ID now, from which level on, and how far
    these moved. With `reassign` they get it; the one that they had is kept free for them, and given to nobody else.

    Args:
        items: The places as they are now.
        embeddings: Their vectors now, if the tokenizer needs them; without them staleness is not known.
        reassign: Give a new semantic ID to those that are out of date.
        tokenizer: The tokenizer; that of the generation if not given.
        checkpoint: Where its checkpoint is now, if it is not where it was.
    """

    command = "move"

    def __init__(
        self,
        items: Items,
        embeddings: Embeddings | None = None,
        reassign: bool = False,
        tokenizer: Tokenizer | None = None,
        checkpoint: str | Path | None = None,
    ) -> None:
        self.items, self.embeddings, self.reassign = items, embeddings, reassign
        self.tokenizer, self.checkpoint = tokenizer, checkpoint

    def apply(self, current: Generation) -> Change:
        """Return the places with what the table says.

        Raises:
            LgsidError: if a place is not published, or retired, or there is no tokenizer to reassign with.
        """
        register, given = current.register, places_of(self.items)
        ids = as_array(given["item_id"])
        rows = register.known_rows(ids, "`lgsid sids append` publishes them")
        closed = register.retired[rows]
        if closed.any():
            first = ids[int(np.flatnonzero(closed)[0])].as_py()
            raise LgsidError(
                f"{int(closed.sum()):,} places are retired, first {first!r}; `lgsid sids append` opens them"
            )
        old = register.places.take(pa.array(rows))
        elsewhere = moved(old, given)
        changed = elsewhere | renamed(old, given)
        km = np.where(elsewhere, kilometers(old, given, POSITION), np.nan)
        since = kilometers(old, given, GIVEN_AT)
        stale = self._staleness(current, rows)
        again = np.zeros(len(rows), dtype=bool)
        result = register.with_places(rows[changed], given.filter(pa.array(changed)))
        new_codes = register.codes[rows]
        if self.reassign and stale is not None:
            again = stale.level >= 0
            new_codes, km = np.where(again[:, None], stale.fresh, new_codes), np.where(again & (since > 0), since, km)
            result = result.with_codes(rows[again], stale.fresh[again], stale.codebook_sizes)
        touched = changed | again
        kinds = np.where(again, REASSIGNED, np.where(elsewhere, MOVED, RENAMED))[touched]
        delta = Delta.of(
            ids.filter(pa.array(touched)),
            kinds.tolist(),
            register.codes[rows][touched],
            new_codes[touched],
            km[touched],
        )
        told = {"same": int((~changed).sum()), "staleness": None if stale is None else told_of(stale, ids, since)}
        return Change(result, delta, current.manifest.tokenizer, told, is_new=bool(touched.any()))

    def _staleness(self, current: Generation, rows: Rows) -> Staleness | None:
        """Return what the places would get now; none where that cannot be known and nobody asked to reassign."""
        from lgsid.generations.fresh_codes import FreshCodes
        from lgsid.generations.staleness import Staleness

        if self.tokenizer is None and current.manifest.tokenizer is None and not self.reassign:
            return None
        tokenizer = self.tokenizer or tokenizer_of(current, self.checkpoint)
        needs_vectors = tokenizer.data_shape is not None and bool(tokenizer.data_shape.embedding_dim)
        if needs_vectors and self.embeddings is None and not self.reassign:
            return None
        register = current.register
        return Staleness.of(FreshCodes(tokenizer, self.items, self.embeddings, register.codebook_sizes), register, rows)


def told_of(stale: Staleness, ids: pa.Array, km: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return staleness as plain values: for each level how many are out of date from there on, and how far they moved.

    Args:
        stale: Of n places.
        ids: (n,) their ids.
        km: (n,) how far they moved since they got their semantic IDs, NaN where that is not known.
    """
    by_level = []
    for level in range(stale.published.shape[1]):
        here = stale.level == level
        far = km[here & (km > 0)]
        by_level.append(
            {
                "places": int(here.sum()),
                "moved": len(far),
                "km_mean": float(far.mean()) if len(far) else None,
                "km_max": float(far.max()) if len(far) else None,
            }
        )
    first = np.flatnonzero(stale.level >= 0)[:10]
    examples = [
        {
            "item_id": ids[int(at)].as_py(),
            "published": stale.published[at].tolist(),
            "fresh": stale.fresh[at].tolist(),
            "km": float(km[at]) if km[at] > 0 else None,
        }
        for at in first
    ]
    return {"places": len(stale.level), "by_level": by_level, "examples": examples}


def kilometers(old: pa.Table, new: pa.Table, since: tuple[str, str]) -> npt.NDArray[np.float64]:
    """Return how far n places are from where they were, NaN where that is not known, (n,).

    Args:
        old: The places before.
        new: The places now.
        since: Columns of the positions before.
    """
    named = ((old, since), (new, POSITION))
    one, other = (unit_vectors(table[lat].to_numpy(), table[lon].to_numpy()) for table, (lat, lon) in named)
    return np.asarray(chord_to_m(np.linalg.norm(one - other, axis=1)) / 1000.0)
