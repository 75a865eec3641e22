"""Contract tests of attribute encoders, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial

import numpy as np
import torch

from lgsid.testing.part_contract import PartContract, through_a_file
from lgsid.tokenizers.attribute_encoders import AttributeEncoder
from lgsid.typing import DataShape, ItemBatch

SHAPE = DataShape(n_items=40, n_regions=(3, 6), n_categories=7, n_category_groups=4, n_brands=5, embedding_dim=4)


class AttributeEncoderContract(PartContract):
    """Contract tests of an encoder of regions, category and brand.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = AttributeEncoder

    @abstractmethod
    def make(self) -> AttributeEncoder:
        """Return a new encoder, not built yet; with the same arguments every time."""

    def built(self) -> AttributeEncoder:
        """Return an encoder that is built."""
        torch.manual_seed(0)
        encoder = self.make()
        encoder.build(SHAPE)
        return encoder

    def items(self) -> ItemBatch:
        """Return 40 items with random attributes; the first one has none, the second one has all of the third."""
        g = torch.Generator().manual_seed(0)
        n = SHAPE.n_items

        def codes(size: int) -> torch.Tensor:
            drawn = torch.randint(size, (n,), generator=g)
            drawn[0], drawn[1] = 0, drawn[2]
            return drawn

        return ItemBatch(
            item=torch.arange(n),
            item_id=np.array([f"p{row:02}" for row in range(n)], dtype=object),
            lat_deg=40 + torch.rand(n, generator=g, dtype=torch.float64),
            lon_deg=-74 + torch.rand(n, generator=g, dtype=torch.float64),
            region=torch.stack([codes(size) for size in SHAPE.n_regions], 1),
            category=codes(SHAPE.n_categories),
            category_group=codes(SHAPE.n_category_groups),
            brand=codes(SHAPE.n_brands),
            embedding=torch.randn(n, SHAPE.embedding_dim, generator=g),
        )

    def test_vectors_are_finite_float32(self) -> None:
        """(B, dim), the same width for many items, one and none."""
        encoder, items = self.built(), self.items()
        found = encoder(items)
        assert found.ndim == 2
        assert found.dtype == torch.float32
        assert bool(found.isfinite().all())
        for rows in (slice(3, 4), slice(0, 0)):
            assert encoder(items.cut(rows.start, rows.stop)).shape == (rows.stop - rows.start, found.shape[1])

    def test_an_item_has_its_vector_alone_and_in_any_order(self) -> None:
        """The rest of the batch does not matter."""
        encoder, items = self.built(), self.items()
        found = encoder(items)
        order = torch.randperm(len(items), generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(encoder(items.take(order)), found[order])
        for row in range(4):
            torch.testing.assert_close(encoder(items.cut(row, row + 1)), found[row : row + 1])

    def test_equal_attributes_equal_vectors_and_others_differ(self) -> None:
        """Positions, ids and text vectors are not looked at; at least one attribute is."""
        encoder, items = self.built(), self.items()
        found = encoder(items)
        assert torch.equal(found[1], found[2])
        assert len(torch.unique(found, dim=0)) > 1

    def test_unknown_is_the_zero_vector(self) -> None:
        """Code 0 everywhere: two unknown values count as equal."""
        assert not self.built()(self.items())[0].any()

    def test_what_a_clustering_asks_agrees_with_the_vectors(self) -> None:
        """`products`, `squares` and `sums` are those of the vectors, however they are computed."""
        encoder, items = self.built(), self.items()
        vectors = encoder(items).detach().double()
        if not vectors.shape[1]:
            return
        rows, groups = vectors[:5].float(), items.category
        expected = torch.zeros(SHAPE.n_categories, vectors.shape[1], dtype=torch.float64)
        for vector, group in zip(vectors, groups.tolist(), strict=True):
            expected[group] += vector
        near = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
        near(encoder.products(items, rows).detach(), (vectors @ rows.double().T).float())
        near(encoder.squares(items).detach(), vectors.square().sum(1))
        found = encoder.sums(items, groups, SHAPE.n_categories).detach()
        near(found, expected)

    def test_state_travels_in_the_state_dict(self) -> None:
        """An encoder of the same arguments with the state of another gives the same vectors."""
        encoder, copy, items = self.built(), self.make(), self.items()
        torch.manual_seed(1)
        copy.build(SHAPE)
        copy.load_state_dict(through_a_file(encoder.state_dict()))
        assert torch.equal(copy(items), encoder(items))
