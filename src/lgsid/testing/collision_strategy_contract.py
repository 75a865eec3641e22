"""Contract tests of collision strategies, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from lgsid.testing.part_contract import PartContract, refused
from lgsid.tokenizers.collision_strategy import Codes, CollisionStrategy, Resolved

SIZES = (4, 3, 3)


class CollisionStrategyContract(PartContract):
    """Contract tests of a collision strategy.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = CollisionStrategy
    unique = True
    """Whether it promises that no two items share all codes."""
    n_items = 30

    @abstractmethod
    def make(self) -> CollisionStrategy:
        """Return a new strategy."""

    def crowd(self) -> tuple[Codes, npt.NDArray[np.float64]]:
        """Return codes (N, L) with many collisions, and how far each item is from each code, (N, L, K)."""
        rng = np.random.default_rng(0)
        apart = rng.random((self.n_items, len(SIZES), max(SIZES)))
        for level, size in enumerate(SIZES):
            apart[:, level, size:] = np.inf
        codes = apart.argmin(2).astype(np.int64)
        codes[:6] = codes[0]
        return codes, apart

    def resolved(self, codes: Codes, apart: npt.NDArray[np.float64]) -> Resolved:
        """Return what the strategy makes of codes."""

        def distances(rows: npt.NDArray[np.int64], _: Codes, level: int) -> npt.NDArray[np.float64]:
            return np.ascontiguousarray(apart[rows, level, : SIZES[level]])

        return self.make().resolve(codes, SIZES, distances)

    def test_codes_fit_their_codebooks(self) -> None:
        """(N, L') int64, from 0 to below the size of each level."""
        found = self.resolved(*self.crowd())
        assert found.codes.shape == (self.n_items, len(found.codebook_sizes))
        assert found.codes.dtype == np.int64
        assert (found.codes >= 0).all()
        assert (found.codes < np.array(found.codebook_sizes)).all()

    def test_semantic_ids_are_unique_if_it_promises_so(self) -> None:
        """No two items share all codes."""
        found = self.resolved(*self.crowd())
        if self.unique:
            assert len(np.unique(found.codes, axis=0)) == self.n_items

    def test_codes_without_a_collision_stay(self) -> None:
        """Where nothing collides, the codes of the levels are what they were."""
        codes = np.stack(np.unravel_index(np.arange(20), SIZES), 1).astype(np.int64)
        _, apart = self.crowd()
        assert np.array_equal(self.resolved(codes, apart[:20]).codes[:, : len(SIZES)], codes)

    def test_it_is_deterministic_and_leaves_the_codes_alone(self) -> None:
        """Twice the same; what it was given is not changed."""
        codes, apart = self.crowd()
        before = codes.copy()
        first, again = self.resolved(codes, apart), self.resolved(codes, apart)
        assert np.array_equal(codes, before)
        assert np.array_equal(first.codes, again.codes)
        assert first.codebook_sizes == again.codebook_sizes

    def test_one_item_and_no_item(self) -> None:
        """Neither collides with anything."""
        codes, apart = self.crowd()
        for n in (1, 0):
            if n or self.empty:
                found = self.resolved(codes[:n], apart[:n])
                assert np.array_equal(found.codes[:, : len(SIZES)], codes[:n])

    def test_new_items_get_what_is_free(self) -> None:
        """If it has an `extend`, new items get semantic IDs of the same levels that nobody has."""
        made, early = self.make(), self.n_items * 2 // 3
        if type(made).extend is CollisionStrategy.extend:
            return
        codes, apart = self.crowd()
        taken = self.resolved(codes[:early], apart[:early]).codes

        def distances(rows: npt.NDArray[np.int64], _: Codes, level: int) -> npt.NDArray[np.float64]:
            return np.ascontiguousarray(apart[early:][rows, level, : SIZES[level]])

        found = made.extend(codes[early:], SIZES, distances, taken)
        assert found.codes.shape == (self.n_items - early, taken.shape[1])
        assert (found.codes < np.array(found.codebook_sizes)).all()
        assert len(np.unique(np.concatenate([taken, found.codes]), axis=0)) == self.n_items

    empty = False
    """Whether it can be asked about no items."""

    def test_too_many_items_are_one_clear_line_before_training(self) -> None:
        """If it promises unique semantic IDs of the same length, `check` says that the codebooks cannot hold them."""
        found = self.resolved(*self.crowd())
        if not self.unique or len(found.codebook_sizes) > len(SIZES):
            return
        self.make().check(int(np.prod(SIZES)), SIZES)
        with refused():
            self.make().check(int(np.prod(SIZES)) + 1, SIZES)
