"""Artefacts as objects in a notebook: tables there and back, and what they print."""

import numpy as np
import pandas as pd
import pytest

from lgsid.alignment import FarPairs
from lgsid.artefacts import Dataset, Embeddings, Interactions, Items, SemanticIDs
from lgsid.datamodules import ItemData, PreferenceData, RewardData, SequenceData
from lgsid.errors import LgsidError
from lgsid.testing import toy_city


@pytest.fixture(scope="module")
def city():
    return toy_city()


@pytest.fixture(scope="module")
def sids(city):
    codes = np.random.default_rng(0).integers(8, size=(len(city.items), 3))
    return SemanticIDs(city.items.ids, codes, (8, 8, 9), {"tokenizer": "lgsid.tokenizers.HierTokenizer"})


def test_tables_lead_back_to_the_object(city, sids):
    again = SemanticIDs.from_frame(sids.to_frame().sample(frac=1, random_state=0), sids.codebook_sizes)
    assert np.array_equal(again.for_items(city.items), sids.codes)
    assert again.codebook_sizes == (8, 8, 9)
    vectors = Embeddings(city.items.ids, np.eye(len(city.items), 5, dtype=np.float32))
    for frame in (vectors.to_frame(), vectors.to_frame().reset_index()):
        assert np.array_equal(Embeddings.from_frame(frame).for_items(city.items), vectors.vectors)
    with pytest.raises(LgsidError, match="needs the columns item_id, level_1"):
        SemanticIDs.from_frame(pd.DataFrame({"item_id": ["a"]}))
    with pytest.raises(LgsidError, match=r"^table of semantic IDs: column item_id: data row 1: id 1.5 is not a whole"):
        SemanticIDs.from_frame(pd.DataFrame({"item_id": [1.5], "level_1": [0]}))
    with pytest.raises(LgsidError, match=r"^table of semantic IDs: no semantic IDs in it"):
        SemanticIDs.from_frame(pd.DataFrame({"item_id": [], "level_1": []}))
    with pytest.raises(LgsidError, match=r"^embeddings: column name: data row 1: 'x' is not a number"):
        Embeddings.from_frame(pd.DataFrame({"item_id": ["a"], "name": ["x"]}))
    with pytest.raises(LgsidError, match=r"^embeddings: item ids: data row 1: id 1.5 is not a whole number"):
        Embeddings.from_frame(pd.DataFrame({"item_id": [1.5], "0": [1.0]}))


def test_a_dataset_comes_from_frames_and_has_the_hash_of_its_files(city, tmp_path):
    log = city.interactions.frame.sample(frac=1, random_state=0).sort_values("time", kind="stable")
    built = Dataset.from_frames(pd.DataFrame(city.items.frame.drop(columns="geometry")), log, "mine")
    assert built.items.ids.tolist() == city.items.ids.tolist()
    assert built.name == "mine"
    assert built.interactions.frame["time"].is_monotonic_increasing
    in_memory = Dataset(city.items, city.interactions, {k: v for k, v in city.report.items() if k != "data_hash"})
    in_memory.write(tmp_path)
    assert in_memory.data_hash == Dataset.read(tmp_path).data_hash


def test_frames_with_few_columns_are_completed(city):
    log = pd.DataFrame({"user_id": [1, 1], "item_id": [7, 8], "time": ["2026-03-02T09:30Z", "2026-03-01T23:00Z"]})
    places = pd.DataFrame({"item_id": [7, 8], "lat": [1.0, 2.0], "lon": [3.0, 4.0]})
    built = Dataset.from_frames(places, log.assign(split="train"))
    assert built.interactions.frame["hour"].tolist() == [23, 9]
    assert built.interactions.frame["weekday"].tolist() == [6, 0]
    assert built.items.texts("category").tolist() == ["", ""]
    assert built.item_rows.tolist() == [1, 0]
    with pytest.raises(LgsidError, match="item '9' is not among the items"):
        Dataset.from_frames(places, log.assign(split="train", item_id=[7, 9]))
    with pytest.raises(LgsidError, match="missing column split"):
        Dataset.from_frames(places, log)
    with pytest.raises(LgsidError, match="column time"):
        Interactions.from_frame(log.assign(time="soon"))


def test_objects_say_what_they_hold(city, sids):
    collide = sids.n_colliding
    counted = np.unique(sids.codes, axis=0, return_counts=True)[1]
    assert collide == int(counted[counted > 1].sum())
    assert repr(sids) == f"SemanticIDs(60 items, 8 x 8 x 9 codes, {collide} items collide, HierTokenizer)"
    assert repr(city) == "Dataset('toy_city', 60 items, 12 users, 400 interactions)"
    assert str(city) == "dataset 'toy_city'"
    assert repr(city.items).startswith("Items(60 places, ")
    assert repr(city.interactions) == "Interactions(400 check-ins of 12 users)"
    vectors = Embeddings(city.items.ids, np.zeros((60, 12), dtype=np.float32))
    assert repr(vectors) == "Embeddings(60 items, vectors of width 12)"
    for thing in (sids, city, city.items, city.interactions, vectors):
        shown = thing._repr_html_()
        assert shown.count("<table") == shown.count("</table>") == 1
        assert len(shown) < 10_000
    named = Items.from_frame(city.items.frame.assign(name="<script>"))
    assert "<script>" not in named._repr_html_()


def test_datamodules_take_objects_as_they_take_paths(city, sids, tmp_path):
    city.write(tmp_path)
    city = Dataset.read(tmp_path)
    vectors = Embeddings(city.items.ids, np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32))
    vectors.write(tmp_path / "vectors.parquet")
    sids.write(tmp_path / "sids.parquet")
    files = tmp_path / "sids.parquet", tmp_path / "vectors.parquet"
    pairs = [
        (ItemData(city, vectors), ItemData(tmp_path, files[1])),
        (
            SequenceData(city, sids, vectors),
            SequenceData(str(tmp_path), str(tmp_path / "sids.parquet"), f"{tmp_path}/vectors.parquet"),
        ),
        (PreferenceData(city, samplers=[FarPairs()]), PreferenceData(tmp_path, samplers=[FarPairs()])),
        (RewardData(city), RewardData(tmp_path)),
    ]
    for of_objects, of_paths in pairs:
        for data in (of_objects, of_paths):
            data.setup("fit")
        assert of_objects.shape == of_paths.shape
        one, other = next(iter(of_objects.train_dataloader())), next(iter(of_paths.train_dataloader()))
        for name, value in vars(one).items():
            assert np.array_equal(np.asarray(value), np.asarray(getattr(other, name))), name


def test_errors_name_the_dataset(city):
    train_only = Interactions(city.interactions.frame.assign(split="train"))
    data = SequenceData(Dataset(city.items, train_only, city.report))
    data.setup()
    with pytest.raises(LgsidError, match="dataset 'toy_city': the test split has no queries"):
        data.test_dataloader()
