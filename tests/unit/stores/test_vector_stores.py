"""Every store keeps its contract; a library that is missing, and places that do not fit, are told in one line."""

import sys

import numpy as np
import pytest

from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.errors import LgsidError
from lgsid.stores import FaissStore, LanceStore, PlaceVectors, UsearchStore, store_of
from lgsid.testing import VectorStoreContract


class TestLanceStore(VectorStoreContract):
    def make(self):
        return LanceStore()


class TestUsearchStore(VectorStoreContract):
    recall = 0.99
    bad_arguments = ({"connectivity": 0}, {"expansion_search": 0})

    def make(self):
        return UsearchStore()


class TestFaissStore(VectorStoreContract):
    bad_arguments = ({"factory": ""},)

    def make(self):
        return FaissStore()


class TestFaissGraph(VectorStoreContract):
    recall = 0.95

    def make(self):
        return FaissStore("HNSW32")


def places():
    return VectorStoreContract.places(TestLanceStore())


@pytest.mark.parametrize(
    ("store", "module", "words"),
    [
        (LanceStore(), "lance", 'LanceStore: needs pylance; run `pip install "lgsid[lance]"`'),
        (UsearchStore(), "usearch.index", 'UsearchStore: needs usearch; run `pip install "lgsid[usearch]"`'),
        (FaissStore(), "faiss", 'FaissStore: needs faiss-cpu; run `pip install "lgsid[faiss]"`'),
    ],
)
def test_a_missing_library_is_told_and_leaves_nothing(monkeypatch, tmp_path, store, module, words):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(LgsidError) as told:
        store.export(places(), tmp_path)
    assert str(told.value) == words
    assert not list(tmp_path.iterdir())


def test_what_a_library_reads_by_itself(tmp_path):
    """A service reads the files without lgsid: the rows of the index are those of the table."""
    import faiss
    import lance
    import pandas as pd

    given = places()
    LanceStore().export(given, tmp_path)
    FaissStore().export(given, tmp_path)
    table = lance.dataset(str(tmp_path / "places.lance")).to_table().to_pandas()
    assert table["item_id"].tolist() == given.ids.tolist()
    assert np.array_equal(np.stack(table["vector"].to_list()), given.vectors)
    assert table[["level_1", "level_2"]].to_numpy().tolist() == given.own_sids().codes.tolist()
    index = faiss.read_index(str(tmp_path / "index.faiss"))
    ids = pd.read_parquet(tmp_path / "places.parquet")["item_id"]
    query = given.vectors[17:18] / np.linalg.norm(given.vectors[17])
    assert ids[index.search(query, 1)[1][0, 0]] == given.ids[17]


def test_places_that_do_not_fit_are_refused():
    ids = np.array(["a", "b"], dtype=object)
    vectors = np.ones((2, 3), dtype=np.float32)
    with pytest.raises(LgsidError, match="none for item 'b'"):
        PlaceVectors(Embeddings(ids, vectors), SemanticIDs(ids[:1], np.zeros((1, 1), dtype=np.int64), (1,)))
    with pytest.raises(LgsidError, match="item 'b' has a vector of zeros"):
        PlaceVectors(Embeddings(ids, vectors * [[1], [0]]))


def test_a_config_names_a_store_with_arguments():
    made = store_of({"class_path": "FaissStore", "init_args": {"factory": "HNSW8"}})
    assert (type(made), made.factory) == (FaissStore, "HNSW8")
    assert type(store_of("UsearchStore")) is UsearchStore
    with pytest.raises(LgsidError, match="Nowhere"):
        store_of("Nowhere")
    with pytest.raises(LgsidError, match="must be at least 1"):
        store_of({"class_path": "UsearchStore", "init_args": {"connectivity": 0}})


def test_an_index_that_faiss_cannot_make_is_told_in_one_line(tmp_path):
    for factory in ("Nothing", "IVF4000,Flat"):
        with pytest.raises(LgsidError, match=f"factory '{factory}' does not fit"):
            FaissStore(factory).export(places(), tmp_path)


def test_where_an_index_finds_fewer_there_is_nothing(tmp_path):
    """One of eight cells is looked into, so that most of the places cannot be found."""
    store = FaissStore("IVF8,Flat")
    store.export(places(), tmp_path)
    found = store.search(tmp_path, places().vectors[:5], 300)
    missed = found.ids == np.array(None)
    assert missed.any()
    assert not missed[:, 0].any()
    assert np.isneginf(found.cosines[missed]).all()
    assert np.isfinite(found.cosines[~missed]).all()
