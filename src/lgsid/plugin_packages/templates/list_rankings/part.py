"""First places of the list, the nearer ones first."""

from __future__ import annotations

from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.functional.ranking import top_k
from lgsid.recommenders import FirstPlace, ListRanking
from lgsid.recommenders.generative.onerec.onerec import OneRec
from lgsid.recommenders.recommender import Ranked
from lgsid.typing import SequenceBatch


class PartName(ListRanking):
    """Rank by the log-probability of being the first place of the list, less the distance to it.

    The score is `log p - km / scale_km`, km from the user's last place; without one it is `log p`.

    Args:
        scale_km: Distance that costs as much as a probability e times smaller.
    """

    def __init__(self, scale_km: float = 5.0) -> None:
        if not scale_km > 0:
            raise LgsidError(f"PartName: scale_km must be positive, not {scale_km}")
        self.scale_km = scale_km

    def rank(self, model: OneRec, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k best items of B queries, (B, k) each, best first, -1 and minus infinity where there are fewer.

        Args:
            model: The generator of lists.
            batch: B queries.
            k: Number of items.
            allowed: Shape (N,) or (B, N) bool, the items that may be listed.
        """
        found = FirstPlace().rank(model, batch, max(k, model.beam_width), allowed)
        km = model.catalogue.km(batch.history[:, -1:], found.items)  # NaN where either is unknown
        place, scores = top_k(found.scores - (km / self.scale_km).nan_to_num(0.0).float(), k)
        items = found.items.gather(1, place.clamp_min(0)).masked_fill(place < 0, -1)
        return Ranked(items, scores)
