"""Contract tests of evidence for places new to a user, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.testing.part_contract import PartContract, through_a_file
from lgsid.testing.toy_city import toy_city

WIDTH = 8  # of the vectors of the toy city's items


class EvidenceContract(PartContract):
    """Contract tests of evidence.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = Evidence
    of_all_check_ins: ClassVar[tuple[str, ...]] = ()
    """Buffers with shares of all check-ins, in which one check-in more or less is of no account."""

    @abstractmethod
    def make(self) -> Evidence:
        """Return a new evidence, not built yet."""

    def data(self) -> SequenceData:
        """Return a tiny city with vectors of its items."""
        made = SequenceData(toy_city())
        made.setup()
        vectors = np.random.default_rng(0).normal(size=(len(made.dataset.items), WIDTH))
        made.embeddings = vectors.astype(np.float32)
        return made

    def counted(self, data: SequenceData) -> Evidence:
        """Return the evidence with its tables filled."""
        evidence = self.make()
        evidence.build(replace(data.shape, embedding_dim=WIDTH))
        evidence.count(data)
        return evidence

    def nobody_at(self, log: CheckInLog, item: int, other: int) -> CheckInLog:
        """Return a log in which nobody has been at an item: all were at another one of its category.

        Override it for evidence that tells places apart by more than their category.
        """
        return replace(log, item=np.where(log.item == item, other, log.item))

    def columns(
        self,
        evidence: Evidence,
        data: SequenceData,
        rows: npt.NDArray[np.int64],
        hidden: Tensor | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """Return all columns for the queries at rows (B,) of the log, shape (B, C, n_columns).

        Args:
            evidence: That is counted.
            data: Where the queries are.
            rows: Shape (B,).
            hidden: Shape (B, N), items that are hidden.
            places: Shape (B, C), items that are looked at; all if not given.
        """
        catalogue = Catalogue(data.shape)
        catalogue.fill(data)
        view = QueryView.of(sequence_batch(data.log, rows), len(catalogue), hidden, places)
        return torch.stack(list(evidence.columns(view, catalogue)), -1)

    def test_columns_are_finite_and_as_many_as_said(self) -> None:
        """Also for somebody without a past."""
        data = self.data()
        rows = np.flatnonzero((data.log.n_before == 0) | (data.log.split == "test"))
        found = self.columns(evidence := self.counted(data), data, rows)
        assert found.shape == (len(rows), len(data.dataset.items), evidence.n_columns)
        assert found.dtype == torch.float32
        assert bool(found.isfinite().all())

    def test_a_query_alone_has_the_columns_that_it_has_among_others(self) -> None:
        """Rows of a batch do not know each other."""
        data = self.data()
        evidence, rows = self.counted(data), data.queries("train")[::23]
        together = self.columns(evidence, data, rows)
        for row, columns in zip(rows, together, strict=True):
            assert torch.allclose(self.columns(evidence, data, np.array([row]))[0], columns, atol=1e-4)

    def test_columns_at_some_places_are_those_among_all(self) -> None:
        """Also where a place is looked at twice, and where items are hidden."""
        data = self.data()
        evidence, n = self.counted(data), len(data.dataset.items)
        rows = np.concatenate([data.queries("train")[::23], data.queries("test")[:3]])
        drawn = torch.Generator().manual_seed(0)
        places = torch.randint(n, (len(rows), 5), generator=drawn)
        places[:, 1] = places[:, 0]
        for hidden in (None, torch.rand(len(rows), n, generator=drawn) < 0.3):
            found = self.columns(evidence, data, rows, hidden, places)
            everywhere = self.columns(evidence, data, rows, hidden)
            expected = everywhere.gather(1, places[:, :, None].expand(-1, -1, everywhere.shape[2]))
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)

    def test_a_training_query_sees_nothing_of_what_its_user_did_from_then_on(self) -> None:
        """Its columns are those of a log in which the user's check-ins end before the query."""
        data = self.data()
        evidence = self.counted(data)
        for row in data.queries("train")[[3, 40, 111, 180]]:
            past, at = without_future(data, int(row))
            honest = self.counted(past)
            for name in self.of_all_check_ins:
                getattr(honest, name).copy_(getattr(evidence, name))
            found, expected = (
                self.columns(*given) for given in ((evidence, data, np.array([row])), (honest, past, np.array([at])))
            )
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)

    def test_a_hidden_item_looks_as_if_nobody_had_been_there(self) -> None:
        """Its columns are those of a log without a check-in there, see `nobody_at`."""
        data = self.data()
        item, other = two_of_one_category(data)
        log = data.log
        strangers = ~np.isin(log.user, log.user[np.isin(log.item, [item, other])])
        rows = np.flatnonzero(strangers & (log.n_before > 0))[::5]
        assert len(rows)
        moved = with_log(data, self.nobody_at(log, item, other))
        hidden = torch.zeros(len(rows), len(data.dataset.items), dtype=torch.bool)
        hidden[:, item] = True
        found = self.columns(self.counted(data), data, rows, hidden)[:, item]
        expected = self.columns(self.counted(moved), moved, rows)[:, item]
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)

    def test_a_checkpoint_brings_all_back(self) -> None:
        """Buffers of any size among it."""
        data = self.data()
        evidence, other = self.counted(data), self.make()
        other.build(replace(data.shape, embedding_dim=WIDTH))
        other.load_state_dict(through_a_file(evidence.state_dict()))
        rows = data.queries("test")[:6]
        assert torch.equal(self.columns(evidence, data, rows), self.columns(other, data, rows))


def without_future(data: SequenceData, row: int) -> tuple[SequenceData, int]:
    """Return the data as if a user had stopped with one training check-in, now of the test, and its row there."""
    log = data.log
    kept = (log.user != log.user[row]) | (np.arange(len(log)) <= row)
    fields = {name: getattr(log, name)[kept] for name in ("user", "item", "time_s", "hour", "weekday", "split")}
    at = int(kept[:row].sum())
    fields["split"] = fields["split"].copy()
    fields["split"][at] = "test"
    return with_log(data, CheckInLog(**fields)), at


def with_log(data: SequenceData, log: CheckInLog) -> SequenceData:
    """Return the data with another log."""
    made = SequenceData(data.dataset)
    made.setup()
    made.log, made.embeddings = log, data.embeddings
    return made


def two_of_one_category(data: SequenceData) -> tuple[int, int]:
    """Return two items of one category with training check-ins, the ones with the fewest visitors."""
    visitors = [len(np.unique(data.log.user[data.log.item == item])) for item in range(len(data.dataset.items))]
    codes, _ = data.dataset.items.codes("category")
    counted = data.log.item_counts(len(codes), "train") > 0
    by_visitors = [int(i) for i in np.argsort(visitors, kind="stable") if counted[i]]
    for item in by_visitors:
        same = [i for i in by_visitors if codes[i] == codes[item] and i != item]
        if same:
            return item, same[0]
    raise AssertionError("the toy city has no two items of one category")
