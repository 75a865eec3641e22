"""Evidence as it was counted at several times of the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.typing import SequenceBatch

Buffers = list[dict[str, Any]]  # of each module of the evidence


class Snapshots:
    """What a training query could know: the counts of all check-ins before it, of which there are only a few sets.

    After the training a model counts a past and is asked about a future. Counts of the whole training split, even
    without the own check-ins of the user, have seen the weeks of the query and those after it: who else found the place
    then, and where they went on to. A snapshot holds the counts up to a share of the training split, and serves the
    queries from there to the next snapshot.

    Args:
        evidence: The kinds of evidence, built. A snapshot takes the place of their buffers for a while; parameters, if
            some kind has any, are the same in all.
        source: The data.
        catalogue: The items.
        shares: Shares of the training check-ins that are counted, ascending, one for each snapshot.
    """

    def __init__(
        self, evidence: nn.ModuleList, source: CheckInSource, catalogue: Catalogue, shares: Sequence[float]
    ) -> None:
        self.modules = list(evidence.modules())
        training = np.flatnonzero(source.log.split == "train")
        self.rows = [int(training[int(share * len(training))]) if len(training) else 0 for share in shares]
        self.buffers: list[Buffers] = []
        self.catalogues: list[Catalogue] = []
        for row in self.rows:
            past = LogSource(source.dataset, source.log.before(row), source.codes)
            counted = [{name: None if b is None else b.clone() for name, b in m._buffers.items()} for m in self.modules]
            with self._in_place(counted):
                for kind in evidence:
                    assert isinstance(kind, Evidence)
                    kind.count(past)
            self.buffers.append(counted)
            count = torch.from_numpy(past.log.item_counts(len(catalogue), "train")).to(catalogue.count.device)
            self.catalogues.append(catalogue.with_counts(count))

    def parts(self, batch: SequenceBatch) -> Iterator[tuple[Tensor, SequenceBatch, Catalogue]]:
        """Yield the queries of a batch by snapshot; meanwhile the evidence holds what was counted then.

        Queries before the first snapshot are left out. Nothing of the user's own is counted too early, so that the
        queries come without what has to be left out of later counts.

        Args:
            batch: B training queries.

        Yields:
            Positions in the batch (B',), the queries there, and the catalogue of that time.
        """
        which = torch.bucketize(batch.row, batch.row.new_tensor(self.rows), right=True) - 1
        for number, (buffers, catalogue) in enumerate(zip(self.buffers, self.catalogues, strict=True)):
            at = (which == number).nonzero()[:, 0]
            if len(at):
                honest = replace(batch.take(at), later=None, later_hour=None, later_weekday=None)
                with self._in_place(buffers):
                    yield at, honest, catalogue

    @contextmanager
    def _in_place(self, buffers: Buffers) -> Iterator[None]:
        """Give the evidence other buffers for a while."""
        kept = [module._buffers for module in self.modules]
        try:
            for module, others in zip(self.modules, buffers, strict=True):
                module._buffers = others
            yield
        finally:
            for module, own in zip(self.modules, kept, strict=True):
                module._buffers = own
