"""What a tokenizer is fitted on, and what it is applied to."""

import numpy as np
import pytest
import torch

from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.held_out import held_out
from lgsid.datamodules import ItemData
from lgsid.errors import LgsidError
from lgsid.testing import quiet_trainer, toy_city
from lgsid.tokenizers import HierTokenizer


@pytest.fixture(scope="module")
def city():
    return toy_city(n_items=120)


def test_places_held_out_are_served_but_not_fitted_on(city):
    data = ItemData(city, batch_size=16, held_out_share=0.3, held_out_seed=2)
    data.setup()
    hidden = set(city.items.ids[held_out(city.items.ids, 0.3, 2)])
    assert 0 < len(hidden) < len(city.items)
    assert sorted(data.items_by_id.item_id) == sorted(city.items.ids)
    assert set(data.fitted_by_id.item_id) == set(city.items.ids) - hidden
    served = [row for batch in data.train_dataloader() for row in batch.item.tolist()]
    assert sorted(city.items.ids[served]) == sorted(set(city.items.ids) - hidden)
    assert sorted(next(iter(data.val_dataloader())).item_id) == sorted(city.items.ids)
    known = city.items.take(~held_out(city.items.ids, 0.3, 2))
    assert set(data.vocabularies.values["category"]) == {"", *known.texts("category")}


def test_a_tokenizer_does_not_know_places_held_out(city):
    """It is the one fitted on a table without them, and gives them what it would give to new places."""
    vectors = np.random.default_rng(0).normal(size=(len(city.items), 8)).astype(np.float32)
    embeddings = Embeddings(city.items.ids, vectors, {})
    known = np.flatnonzero(~held_out(city.items.ids, 0.3))
    found = []
    for data in (
        ItemData(city, embeddings, held_out_share=0.3),
        ItemData(city.take(known), Embeddings(city.items.ids[known], vectors[known], {})),
    ):
        tokenizer = HierTokenizer((8, 6, 6), seed=0)
        quiet_trainer(max_epochs=1).fit(tokenizer, data)
        found.append(tokenizer.tokenize(city, embeddings))
        state = tokenizer.state_dict()
    assert np.array_equal(found[0].codes, found[1].codes)
    assert all(torch.isfinite(value).all() for value in state.values() if value.is_floating_point())


def test_something_has_to_be_left(city):
    with pytest.raises(LgsidError, match=r"held_out_share 0\.99\d* leaves no place to fit"):
        ItemData(city.take(np.arange(2)), held_out_share=0.999999).setup()
    with pytest.raises(LgsidError, match="share of items held out: must be at least 0 and below 1"):
        ItemData(city, held_out_share=1.0).setup()
