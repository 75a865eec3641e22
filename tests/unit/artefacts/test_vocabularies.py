"""Codes of attributes that stay the same for other items."""

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items
from lgsid.artefacts.vocabularies import Vocabularies

COLUMNS = ["region_1", "region_2", "category", "category_group", "brand"]


def items_of(**columns):
    n = len(columns["category"])
    frame = {"item_id": [f"p{row}" for row in range(n)], "lat": 40.0 + np.arange(n), "lon": -74.0 - np.arange(n)}
    return Items.from_frame(pd.DataFrame(frame | columns))


@pytest.fixture
def known():
    return items_of(
        category=["Tea", "Bar", "", "Tea"],
        category_group=["Food", "Food", "Food", ""],
        brand=["", "", "", "Belavo"],
        region_1=["East", "West", "East", "East"],
        region_2=["a", "b", "c", "d"],
    )


def test_codes_are_places_in_the_alphabet_and_unknown_values_are_none(known):
    vocabularies = Vocabularies.of(known)
    assert vocabularies.values["category"] == ("", "Bar", "Tea")
    assert vocabularies.codes(known, "category").tolist() == [2, 1, 0, 2]
    other = items_of(category=["Tea", "Gym", ""], region_1=["West", "North", ""])
    assert vocabularies.codes(other, "category").tolist() == [2, 0, 0]
    assert vocabularies.codes(other, "region_1").tolist() == [2, 0, 0]
    assert vocabularies.codes(other, "region_2").tolist() == [0, 0, 0]  # a column that they lack


def test_a_checkpoint_keeps_them(known):
    vocabularies = Vocabularies.of(known)
    kept = vocabularies.to_dict()
    assert list(kept) == COLUMNS
    assert all(isinstance(values, list) for values in kept.values())
    assert Vocabularies.from_dict(kept) == vocabularies
    assert vocabularies.region_columns == ["region_1", "region_2"]


def test_a_batch_has_every_item_and_column(known):
    vocabularies, vectors = Vocabularies.of(known), np.arange(12, dtype=np.float32).reshape(4, 3)
    batch = vocabularies.batch(known, vectors)
    assert batch.item.tolist() == [0, 1, 2, 3]
    assert list(batch.item_id) == known.ids.tolist()
    assert batch.lat_deg.tolist() == known.lat_deg.tolist()
    assert batch.lon_deg.tolist() == known.lon_deg.tolist()
    assert batch.region.tolist() == [[1, 1], [2, 2], [1, 3], [1, 4]]
    assert batch.category.tolist() == [2, 1, 0, 2]
    assert batch.category_group.tolist() == [1, 1, 1, 0]
    assert batch.brand.tolist() == [0, 0, 0, 1]
    assert batch.embedding.data_ptr() == vectors.ctypes.data
    assert np.array_equal(batch.embedding.numpy(), vectors)
    without = items_of(category=["Tea"])
    batch = Vocabularies.of(without).batch(without)
    assert (tuple(batch.embedding.shape), tuple(batch.region.shape)) == ((1, 0), (1, 0))
    assert (str(batch.embedding.dtype), str(batch.region.dtype)) == ("torch.float32", "torch.int64")


def test_sizes_count_the_unknown_value(known):
    shape = Vocabularies.of(known).shape(7, embedding_dim=3)
    assert (shape.n_items, shape.embedding_dim) == (7, 3)
    assert shape.n_regions == (3, 5)
    assert (shape.n_categories, shape.n_category_groups, shape.n_brands) == (3, 2, 2)
    assert Vocabularies.of(known).shape(7).embedding_dim == 0
