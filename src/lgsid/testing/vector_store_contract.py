"""Contract tests of stores of vectors, to inherit in the tests of other packages."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.stores.place_vectors import Found, PlaceVectors, unit
from lgsid.stores.vector_store import VectorStore
from lgsid.testing.part_contract import PartContract, refused


class VectorStoreContract(PartContract):
    """Contract tests of a store of vectors.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = VectorStore
    recall: ClassVar[float] = 1.0
    """Smallest share of the ten nearest that it finds."""

    @abstractmethod
    def make(self) -> VectorStore:
        """Return a new store, with the same arguments every time."""

    def places(self, n: int = 300, with_sids: bool = True) -> PlaceVectors:
        """Return vectors of different lengths under ids in several scripts, semantic IDs in another order."""
        rng = np.random.default_rng(0)
        ids = np.array([f"{'pé店Ж'[row % 4]}/{row}" for row in range(n)], dtype=object)
        vectors = (rng.normal(size=(n, 16)) * rng.uniform(0.5, 2, (n, 1))).astype(np.float32)
        codes = np.stack([np.arange(n) % 7, np.arange(n) // 7], axis=1)
        order = rng.permutation(n)
        sids = SemanticIDs(ids[order], codes[order], (8, 1 + n // 7)) if with_sids else None
        return PlaceVectors(Embeddings(ids, vectors), sids)

    def queries(self) -> npt.NDArray[np.float32]:
        """Return 40 vectors, some of them those of places."""
        drawn = np.random.default_rng(1).normal(size=(30, 16)).astype(np.float32)
        return np.concatenate([self.places().vectors[:10], drawn])

    def found(self, k: int, places: PlaceVectors | None = None) -> Found:
        """Return what a new store finds in files of its own."""
        with tempfile.TemporaryDirectory() as folder:
            self.make().export(places or self.places(), folder)
            return self.make().search(Path(folder), self.queries(), k)

    def test_the_nearest_are_those_of_brute_force(self) -> None:
        """The share of the ten nearest by all cosines that are found is at least `recall`."""
        places, found = self.places(), self.found(10)
        cosines = unit(self.queries()).astype(np.float64) @ unit(places.vectors).astype(np.float64).T
        tenth = np.sort(cosines, axis=1)[:, -10:-9]
        row_of = {item: row for row, item in enumerate(places.ids)}
        rows = np.array([[row_of[item] for item in line] for line in found.ids])
        assert (np.take_along_axis(cosines, rows, axis=1) >= tenth - 1e-6).mean() >= self.recall

    def test_a_place_comes_once_with_its_cosine_nearest_first(self) -> None:
        """The ids are those that were given, whatever their script."""
        places, found = self.places(), self.found(7)
        assert found.ids.shape == found.cosines.shape == (40, 7)
        assert all(len(set(line)) == 7 for line in found.ids.tolist())
        assert (np.diff(found.cosines, axis=1) <= 1e-6).all()
        vectors = dict(zip(places.ids, unit(places.vectors), strict=True))
        expected = [
            [unit(q[None])[0] @ vectors[i] for i in line] for q, line in zip(self.queries(), found.ids, strict=True)
        ]
        assert np.allclose(found.cosines, expected, atol=1e-5)
        assert found.ids[:10, 0].tolist() == places.ids[:10].tolist()

    def test_more_than_there_are(self) -> None:
        """All places come back, however few; of no queries nothing."""
        for n in (1, 3):
            found = self.found(5, self.places(n))
            assert [set(line) for line in found.ids.tolist()] == [set(self.places(n).ids)] * 40
        with tempfile.TemporaryDirectory() as folder:
            self.make().export(self.places(), folder)
            assert self.make().search(Path(folder), self.queries()[:0], 5).ids.shape == (0, 5)

    def test_semantic_ids_come_back_in_the_order_of_the_vectors(self) -> None:
        """With the sizes of their codebooks; none where none were given."""
        with tempfile.TemporaryDirectory() as folder:
            self.make().export(self.places(), Path(folder) / "with")
            self.make().export(self.places(with_sids=False), Path(folder) / "without")
            kept, own = self.make().semantic_ids(Path(folder) / "with"), self.places().own_sids()
            assert kept is not None
            assert own is not None
            assert kept.item_ids.tolist() == own.item_ids.tolist()
            assert kept.codes.tolist() == own.codes.tolist()
            assert kept.codebook_sizes == own.codebook_sizes
            assert self.make().semantic_ids(Path(folder) / "without") is None

    def test_it_repeats_itself(self) -> None:
        """The same places give the same answers from files that were written anew."""
        first, second = self.found(10), self.found(10)
        assert first.ids.tolist() == second.ids.tolist()
        assert first.cosines.tolist() == second.cosines.tolist()

    def test_nothing_is_overwritten_and_nothing_else_left(self) -> None:
        """A second export to the folder is refused, and the folder holds `files` alone."""
        with tempfile.TemporaryDirectory() as folder:
            self.make().export(self.places(), folder)
            assert {path.name for path in Path(folder).iterdir()} == set(self.make().files)
            with refused("exists already"):
                self.make().export(self.places(3), folder)
            assert len(self.make().search(Path(folder), self.queries(), 300).ids[0]) == 300
