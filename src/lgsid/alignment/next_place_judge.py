"""Next-place retrieval during an alignment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lgsid.artefacts import Dataset
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.metrics import NextPlaceRetrieval
from lgsid.metrics.next_place_queries import NextPlaceQueries


class NextPlaceJudge:
    """Measure whether vectors know which new place comes next, by the check-ins of a dataset; see `NextPlaceRetrieval`.

    Args:
        dataset: Places and check-ins.
        held_out: The places held out from the alignment, shape (N,).
        val_queries: Maximum number of validation queries, evenly spread over the split.
    """

    def __init__(self, dataset: Dataset, held_out: npt.NDArray[np.bool_], val_queries: int) -> None:
        self.items, self.held_out = dataset.items, held_out
        self.log = CheckInLog.of(dataset)
        most = {"val": val_queries, "test": None}
        self.queries = {
            split: NextPlaceQueries.of(self.log, split, n)
            for split, n in most.items()
            if len(self.log.at_new_places(split))
        }

    def measure(self, vectors: Tensor, split: str) -> dict[str, Tensor]:
        """Return the metrics of the vectors of all items (N, D) on a split, by name; none if it asks nothing.

        The weight of distance is chosen on the validation queries, also for the test split.
        """
        if split not in self.queries:
            return {}
        # every one of several processes measures all queries
        metric = NextPlaceRetrieval.of(self.items, self.log, self.held_out, sync_on_compute=False)
        for name in {"val", split} & set(self.queries):
            metric.update(vectors, self.queries[name], validation=name == "val")
        return metric.compute()
