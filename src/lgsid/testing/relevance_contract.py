"""Contract tests of relevances, to inherit in the tests of other packages."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from functools import cache

import torch
from torch import Tensor

from lgsid.alignment.relevance import Relevance
from lgsid.artefacts import Dataset, Interactions
from lgsid.testing.part_contract import PartContract
from lgsid.testing.tiny_encoder import tiny_encoder
from lgsid.testing.toy_city import same_city
from lgsid.text.text_encoder import TextEncoder

DIM = 32


@cache
def frozen_encoder() -> TextEncoder:
    """Return a tiny text encoder with random weights, of width `DIM`."""
    folder = tempfile.TemporaryDirectory()
    encoder = TextEncoder(tiny_encoder("bert", folder.name, width=DIM), autocast="float32")
    encoder._folder = folder  # type: ignore[assignment]  # lives as long as the encoder
    return encoder


class RelevanceContract(PartContract):
    """Contract tests of what makes places relevant to each other.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = Relevance
    dim = DIM

    @abstractmethod
    def make(self) -> Relevance:
        """Return a new relevance, not fitted yet."""

    def dataset(self) -> Dataset:
        """Return the data to look at."""
        return same_city(60, 20, 1000)

    def encoder(self) -> TextEncoder:
        """Return the encoder before its adapter is trained."""
        return frozen_encoder()

    def fitted(self, dataset: Dataset | None = None) -> Relevance:
        """Return a relevance that has looked at the data."""
        relevance = self.make()
        relevance.fit(dataset or self.dataset(), self.encoder())
        return relevance

    def rows(self) -> tuple[Tensor, Tensor]:
        """Return rows of 20 places, (M,), and their reference embeddings, (M, D)."""
        g = torch.Generator().manual_seed(0)
        return torch.randperm(60, generator=g)[:20], torch.randn(20, self.dim, generator=g)

    def test_a_grade_for_every_two_places(self) -> None:
        """(M, M), finite, of the type of the reference, without a gradient; also of one place."""
        relevance, (rows, reference) = self.fitted(), self.rows()
        for m in (20, 1):
            found = relevance.between(rows[:m], reference[:m])
            assert found.shape == (m, m)
            assert found.dtype == reference.dtype
            assert bool(found.isfinite().all())
            assert not found.requires_grad

    def test_grades_differ(self) -> None:
        """A grade that is the same for all orders nothing."""
        found = self.fitted().between(*self.rows())
        others = found[~torch.eye(len(found), dtype=torch.bool)]
        assert float(others.max() - others.min()) > 1e-6

    def test_the_order_of_places_is_irrelevant(self) -> None:
        """Places in another order have their grades in that order, and some of them have the same."""
        relevance, (rows, reference) = self.fitted(), self.rows()
        found = relevance.between(rows, reference)
        order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(relevance.between(rows[order], reference[order]), found[order][:, order])
        torch.testing.assert_close(relevance.between(rows[:7], reference[:7]), found[:7, :7])

    def test_fitting_is_repeatable(self) -> None:
        """Twice the same grades, by two objects."""
        assert torch.equal(self.fitted().between(*self.rows()), self.fitted().between(*self.rows()))

    def test_only_the_training_split_is_used(self) -> None:
        """Without validation and test check-ins the grades are the same."""
        dataset = self.dataset()
        train = Interactions(dataset.interactions.of_split("train").reset_index(drop=True))
        blind = self.fitted(Dataset(dataset.items, train, dataset.report))
        assert torch.equal(blind.between(*self.rows()), self.fitted(dataset).between(*self.rows()))
