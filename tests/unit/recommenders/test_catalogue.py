"""The catalogue of items: distances, what it refuses, what checkpoints bring back."""

import dataclasses

import numpy as np
import pytest
import torch

from lgsid.artefacts import Dataset, Items
from lgsid.errors import LgsidError
from lgsid.recommenders import Popularity
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.recommenders.training_data import TrainingData
from lgsid.typing import DataShape

CODES = np.stack([np.arange(60) % 4, np.arange(60) // 4], 1)


@pytest.fixture(scope="module")
def source(toy_folder):
    return LogSource.of(Dataset.read(toy_folder))


def filled(source, codes=None):
    sizes = () if codes is None else (4, 15)
    catalogue = Catalogue(dataclasses.replace(source.shape, codebook_sizes=sizes))
    catalogue.fill(dataclasses.replace(source, codes=codes))
    return catalogue


def test_km_is_the_spherical_law_of_cosines_and_nan_where_unknown(source):
    catalogue, items = filled(source), source.dataset.items
    lat, lon = np.radians(items.lat_deg), np.radians(items.lon_deg)
    found = catalogue.km(torch.tensor([[3], [-1]]), torch.arange(-1, 60))
    assert found.shape == (2, 61)
    assert found[1].isnan().all()
    assert found[0, 0].isnan()
    cosine = np.sin(lat[3]) * np.sin(lat) + np.cos(lat[3]) * np.cos(lat) * np.cos(lon - lon[3])
    assert np.allclose(found[0, 1:].numpy(), 6371.0088 * np.arccos(np.clip(cosine, -1, 1)), atol=1e-3)
    assert found[0, 4] == 0
    straight = (catalogue.position_km[3] - catalogue.position_km).norm(dim=1)
    assert torch.allclose(straight.double(), found[0, 1:], atol=2e-3)  # float32 of an Earth's radius


def test_buffers_are_the_data(source):
    catalogue, items = filled(source, CODES), source.dataset.items
    assert np.array_equal(catalogue.count, source.log.item_counts(60, "train"))
    assert np.array_equal(catalogue.category, items.codes("category")[0])
    assert np.array_equal(catalogue.brand, items.codes("brand")[0])
    for level, column in enumerate(items.region_columns):
        assert np.array_equal(catalogue.region[:, level], items.codes(column)[0])
    assert torch.equal(catalogue.item_codes, torch.from_numpy(CODES))
    assert filled(source).item_codes[:, 0].tolist() == list(range(60))


def test_other_items_another_order_and_other_places_are_refused(source):
    data = source.dataset
    known = TrainingData.of(data)
    known.check(data)
    frame = data.items.frame.drop(columns="geometry")
    swapped = frame.assign(item_id=frame["item_id"].to_numpy()[::-1])  # the same places under other ids
    moved = frame.assign(lon=frame["lon"].where(frame.index != 7, frame["lon"] + 1e-6))
    permuted = data.items.take(np.arange(60)[::-1])
    for items in (permuted, Items.from_frame(swapped), Items.from_frame(moved), data.items.take(np.arange(50))):
        with pytest.raises(LgsidError, match="60 places that are not those of this dataset"):
            known.check(Dataset(items, data.interactions, data.report))


def test_it_refuses_to_be_filled_with_what_does_not_fit(source):
    with pytest.raises(LgsidError, match="59 items, the dataset has 60"):
        Catalogue(DataShape(59)).fill(source)
    with pytest.raises(LgsidError, match="2 levels, not of 1"):
        Catalogue(DataShape(60, codebook_sizes=(4, 15))).fill(dataclasses.replace(source, codes=CODES[:, :1]))


def test_what_is_derived_follows_the_buffers(source):
    catalogue, other = filled(source, CODES), Catalogue(DataShape(60, codebook_sizes=(4, 15), n_regions=(1, 1)))
    empty = other.trie
    assert empty.n_nodes[1] == 1
    assert other.trie is empty
    assert not other.position_km[:, 1].any()
    other.load_state_dict(catalogue.state_dict())
    assert other.trie.n_nodes == catalogue.trie.n_nodes
    assert torch.equal(other.position_km, catalogue.position_km)
    before = other.trie
    assert other.to(torch.float64).trie is not before
    other.fill(dataclasses.replace(source, codes=CODES[::-1]))
    assert torch.equal(other.trie.order, catalogue.trie.order.flip(0)) or other.trie.n_nodes == before.n_nodes


def test_a_checkpoint_of_an_earlier_version_is_refused():
    with pytest.raises(LgsidError, match="earlier version of lgsid; train the model again"):
        Popularity().on_load_checkpoint({"state_dict": {"item_lat_deg": torch.zeros(3)}})
