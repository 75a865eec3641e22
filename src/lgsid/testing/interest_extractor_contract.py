"""Contract tests of interest extractors, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import torch

from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.click.distance_features import LogDistance
from lgsid.recommenders.click.interest_extractor import ClickInputs, ClickSizes, InterestExtractor
from lgsid.recommenders.click.place_pairs import PlacePairs
from lgsid.testing.part_contract import PartContract, through_a_file
from lgsid.typing import DataShape

ITEMS, WIDTH, CONTEXT, CANDIDATES = 30, 6, 5, 4
LENGTHS = (7, 0, 3, 12, 1)
PER_QUERY = ("event", "context", "mask", "candidate", "history", "item")


class InterestExtractorContract(PartContract):
    """Contract tests of what summarizes a history for a candidate, on made-up places and histories.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = InterestExtractor
    tolerance = 1e-5

    @abstractmethod
    def make(self) -> InterestExtractor:
        """Return a new extractor, not built yet; with the same arguments every time."""

    def pairs(self) -> PlacePairs:
        """Return the comparison of places of a made-up town."""
        g = torch.Generator().manual_seed(0)
        catalogue = Catalogue(DataShape(ITEMS, n_regions=(2, 5), n_categories=4, codebook_sizes=(3, 2)))
        catalogue.lat_deg.copy_(40 + torch.rand(ITEMS, generator=g) / 9)
        catalogue.lon_deg.copy_(-74 + torch.rand(ITEMS, generator=g) / 9)
        catalogue.category.copy_(torch.randint(4, (ITEMS,), generator=g))
        for columns, sizes in ((catalogue.region, (2, 5)), (catalogue.codes, (3, 2))):
            for level, size in enumerate(sizes):
                columns[:, level] = torch.randint(size, (ITEMS,), generator=g)
        return PlacePairs(catalogue, LogDistance(steps=3), with_sids=True)

    def built(self, seed: int = 0) -> InterestExtractor:
        """Return an extractor that is built, in evaluation mode."""
        pairs = self.pairs()
        torch.manual_seed(seed)
        extractor = self.make()
        extractor.build(ClickSizes(WIDTH, CONTEXT, pairs.n_match, pairs.n_cross, ITEMS))
        return extractor.eval()

    def inputs(self, lengths: Sequence[int] = LENGTHS, padding: int = 0, label: bool = False) -> ClickInputs:
        """Return queries with histories of these lengths, right-aligned, with `padding` more on the left."""
        g = torch.Generator().manual_seed(1)
        b, t = len(lengths), max(1, *lengths) + padding
        table = torch.randn(ITEMS, WIDTH, generator=g).tanh()
        places, when = torch.randint(ITEMS, (b, 12), generator=g), torch.randn(b, 12, CONTEXT, generator=g)
        item = torch.randint(ITEMS, (b, CANDIDATES), generator=g)
        history, context = torch.zeros(b, t, dtype=torch.int64), torch.full((b, t, CONTEXT), 9.0)
        mask = torch.zeros(b, t, dtype=torch.bool)
        for row, n in enumerate(lengths):
            if n:
                history[row, -n:], context[row, -n:], mask[row, -n:] = places[row, :n], when[row, :n], True
        labels = torch.arange(CANDIDATES).eq(0).float().expand(b, -1) if label else None
        return ClickInputs(
            table[history], context, mask, table[item], history, item, lambda rows: table[rows], self.pairs(), labels
        )

    def near(self, found: torch.Tensor, expected: torch.Tensor) -> None:
        """Check that vectors are the same but for rounding."""
        torch.testing.assert_close(found, expected, atol=self.tolerance, rtol=1e-4)

    def test_a_vector_for_every_candidate(self) -> None:
        """(B, C, dim), finite; auxiliary losses are scalars, and none without labels."""
        extractor = self.built()
        found = extractor(self.inputs())
        assert extractor.dim > 0
        assert found.vector.shape == (len(LENGTHS), CANDIDATES, extractor.dim)
        assert bool(found.vector.isfinite().all())
        assert not found.losses
        for loss in extractor.train()(self.inputs(label=True)).losses.values():
            assert loss.shape == ()
            assert bool(loss.isfinite())

    def test_padding_and_what_stands_there_change_nothing(self) -> None:
        """More of it, or other values in it, give the same vectors."""
        extractor, inputs = self.built(), self.inputs()
        expected = extractor(inputs).vector
        self.near(extractor(self.inputs(padding=3)).vector, expected)
        event = torch.where(inputs.mask[..., None], inputs.event, 50.0)
        history = torch.where(inputs.mask, inputs.history, 7)
        self.near(extractor(replace(inputs, event=event, history=history)).vector, expected)

    def test_an_empty_history_says_nothing(self) -> None:
        """Its vectors are zero, also where all histories are empty."""
        extractor = self.built()
        assert not extractor(self.inputs()).vector[1].any()
        assert not extractor(self.inputs((0, 0))).vector.any()

    def test_a_query_alone_is_a_query_among_others(self) -> None:
        """Queries do not know each other."""
        extractor, inputs = self.built(), self.inputs()
        whole = extractor(inputs).vector
        for row in range(len(LENGTHS)):
            alone = replace(inputs, **{key: getattr(inputs, key)[row : row + 1] for key in PER_QUERY})
            self.near(extractor(alone).vector, whole[row : row + 1])

    def test_candidates_do_not_see_each_other(self) -> None:
        """Fewer of them, in another order, keep their vectors."""
        extractor, inputs = self.built(), self.inputs()
        order = torch.tensor([2, 0, 2])
        some = replace(inputs, candidate=inputs.candidate[:, order], item=inputs.item[:, order])
        self.near(extractor(some).vector, extractor(inputs).vector[:, order])

    def test_the_history_matters(self) -> None:
        """Another history has another vector."""
        extractor, inputs = self.built(), self.inputs()
        other = replace(inputs, event=inputs.event.flip(0), history=inputs.history.flip(0), mask=inputs.mask.flip(0))
        assert float((extractor(other).vector - extractor(inputs).vector).abs().max().detach()) > 1e-6

    def test_every_parameter_gets_a_gradient(self) -> None:
        """From vectors and auxiliary losses together, finite."""
        extractor = self.built().train()
        found = extractor(self.inputs(label=True))
        weight = torch.randn(found.vector.shape, generator=torch.Generator().manual_seed(2))
        sum([(found.vector * weight).sum(), *found.losses.values()]).backward()
        for name, parameter in extractor.named_parameters():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.isfinite().all()), name

    def test_state_travels_in_the_state_dict(self) -> None:
        """An extractor of the same arguments with the state of another gives the same vectors."""
        extractor, copy = self.built(), self.built(seed=1)
        copy.load_state_dict(through_a_file(extractor.state_dict()))
        assert torch.equal(copy(self.inputs()).vector, extractor(self.inputs()).vector)
