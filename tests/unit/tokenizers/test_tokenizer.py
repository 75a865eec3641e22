"""Codes travel with the ids of their items, whatever the items are handed over as."""

import numpy as np
import pytest

from lgsid.artefacts import Dataset, Embeddings, Items
from lgsid.datamodules import ItemData
from lgsid.errors import LgsidError
from lgsid.quantizers import RQKMeans
from lgsid.testing import quiet_trainer, toy_city
from lgsid.tokenizers import HierTokenizer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def fitted():
    """A fitted tokenizer and its data: places with integer ids in no order, and vectors in another one."""
    city, rng = toy_city(), np.random.default_rng(0)
    ids = [str(number) for number in rng.permutation(len(city.items))]
    renamed = dict(zip(city.items.ids, ids, strict=True))
    log = city.interactions.frame
    dataset = Dataset(
        Items.from_frame(city.items.frame.assign(item_id=ids)),
        type(city.interactions)(log.assign(item_id=log["item_id"].map(renamed))),
        city.report,
    )
    order = rng.permutation(len(ids))
    vectors = Embeddings(dataset.items.ids[order], rng.normal(size=(len(ids), 8)).astype(np.float32))
    data = ItemData(dataset, vectors)
    tokenizer = HierTokenizer((8, 8, 8), RQKMeans())
    quiet_trainer(max_epochs=1).fit(tokenizer, data)
    return tokenizer, data, dataset, vectors


def test_every_place_gets_its_own_codes_with_shuffled_integer_ids(fitted):
    tokenizer, data, dataset, vectors = fitted
    expected = tokenizer.tokenize(dataset, vectors)
    assert list(expected.item_ids) == list(dataset.items.ids)
    sids = tokenizer.tokenize(data.items_by_id)
    assert np.array_equal(sids.for_items(dataset.items), expected.codes)
    first = tokenizer.encode(data.items_by_id)[:, 0].numpy()  # a code holds 64 places: none moves
    by_id = dict(zip(data.items_by_id.item_id, first, strict=True))
    assert [by_id[item] for item in dataset.items.ids] == expected.codes[:, 0].tolist()


def test_semantic_ids_name_the_data_that_they_are_of(fitted, tmp_path):
    tokenizer, _, dataset, vectors = fitted
    dataset.write(tmp_path)
    written = Dataset.read(tmp_path).data_hash
    assert tokenizer.tokenize(dataset, vectors).metadata["data_hash"] == written


def test_forgotten_vectors_are_asked_for(fitted):
    tokenizer, _, dataset, _ = fitted
    with pytest.raises(LgsidError, match="HierTokenizer: needs the vectors of the items; give `embeddings`"):
        tokenizer.tokenize(dataset.items)
