"""Contract tests of what check-ins tell of places, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from lgsid.testing.part_contract import PartContract
from lgsid.tokenizers.visit_signal import VisitSignal
from lgsid.tokenizers.visits import Visits

N_PLACES = 9


class VisitSignalContract(PartContract):
    """Contract tests of a signal of check-ins.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = VisitSignal

    @abstractmethod
    def make(self) -> VisitSignal:
        """Return a new signal; with the same arguments every time."""

    def visits(self) -> Visits:
        """Return check-ins of 7 users at all of 9 places but the last."""
        rng = np.random.default_rng(0)
        user, place, hour = (rng.integers(high, size=60) for high in (7, N_PLACES - 1, 24))
        return Visits(user, place, hour, N_PLACES)

    def test_shape_and_type(self) -> None:
        """(N, width) float32, finite, not all zero."""
        found = self.make().of(self.visits())
        assert found.shape == (N_PLACES, self.make().width)
        assert found.dtype == np.float32
        assert bool(np.isfinite(found).all())
        assert bool(found.any())

    def test_places_without_check_ins_have_zeros(self) -> None:
        """So has every place where nobody has been anywhere."""
        assert not self.make().of(self.visits())[-1].any()
        none = np.zeros(0, dtype=np.int64)
        for n_places in (1, 4):
            found = self.make().of(Visits(none, none, none, n_places))
            assert found.shape == (n_places, self.make().width)
            assert not found.any()

    def test_the_order_of_check_ins_is_irrelevant_and_it_repeats(self) -> None:
        """Shuffled check-ins give the same bytes, and so do the same ones again."""
        given = self.visits()
        order = np.random.default_rng(1).permutation(len(given.user))
        shuffled = Visits(given.user[order], given.place[order], given.hour[order], N_PLACES)
        first = self.make().of(given)
        assert np.array_equal(self.make().of(shuffled), first)
        assert np.array_equal(self.make().of(given), first)

    def test_names_of_users_are_irrelevant(self) -> None:
        """Other numbers for the same users give nearly the same vectors."""
        given = self.visits()
        renamed = Visits(6 - given.user, given.place, given.hour, N_PLACES)
        np.testing.assert_allclose(self.make().of(renamed), self.make().of(given), atol=1e-5)
