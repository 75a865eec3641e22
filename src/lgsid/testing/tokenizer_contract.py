"""Contract tests of tokenizers, to inherit in the tests of other packages."""

from __future__ import annotations

import inspect
import tempfile
from abc import abstractmethod
from functools import cache
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch

from lgsid import checkpoints
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.names import CARD_FILE, CHECKPOINT_FILE, EMBEDDINGS_FILE, INDEX_FILE, SIDS_FILE
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.datamodules.item_data import ItemData
from lgsid.testing.part_contract import PartContract
from lgsid.testing.quiet_trainer import quiet_trainer
from lgsid.testing.toy_city import toy_city
from lgsid.tokenizers.tokenizer import Tokenizer


class TokenizerContract(PartContract):
    """Contract tests of a tokenizer, on a toy city with made-up vectors.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = Tokenizer
    unique = True  # the default collision strategy promises it
    max_epochs = 2

    @abstractmethod
    def make(self) -> Tokenizer:
        """Return a new tokenizer; with the same arguments every time."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Make it with its default sizes of codebooks, or with three small levels if it has none."""
        sizes = inspect.signature(part).parameters.get("codebook_sizes")
        return part(codebook_sizes=(5, 4, 4)) if sizes is not None and sizes.default is sizes.empty else part()

    def fit(self, data: ItemData) -> Tokenizer:
        """Return a tokenizer fitted on `data` through Lightning."""
        tokenizer = self.make()
        trainer = quiet_trainer(max_epochs=self.max_epochs)
        L.seed_everything(0, verbose=False)
        trainer.fit(tokenizer, data)
        return tokenizer

    def sids(self, data: ItemData) -> SemanticIDs:
        """Return the semantic IDs of all items of `data`, after fitting on them."""
        return self.fit(data).tokenize(item_table(data), data.vectors)

    def test_codes_fit_the_codebooks(self) -> None:
        """Every item has its codes, unique where the strategy promises it."""
        sids = self.sids(toy_items())
        assert sids.codes.dtype == np.int64
        assert bool((sids.codes < np.array(sids.codebook_sizes)).all())
        if self.unique:
            assert len(np.unique(sids.codes, axis=0)) == len(sids)

    def test_permuting_items_permutes_semantic_ids(self) -> None:
        """The order of the items table is irrelevant, also to the fitting."""
        one, other = self.sids(toy_items()), self.sids(toy_items(shuffled=True))
        assert list(one.item_ids) != list(other.item_ids)
        rows = {item: row for row, item in enumerate(other.item_ids)}
        assert np.array_equal(one.codes, other.codes[[rows[item] for item in one.item_ids]])

    def test_codes_are_stored_under_the_ids_of_their_items(self) -> None:
        """A table, a batch in another order and its items reversed give an item the same codes under its own id."""
        data = toy_items(shuffled=True)
        tokenizer, table = self.fit(data), item_table(data).items
        sids = tokenizer.tokenize(table, data.vectors)
        assert list(sids.item_ids) == list(table.ids)
        by_id = tokenizer.tokenize(data.items_by_id)
        assert list(by_id.item_ids) == sorted(table.ids)
        assert np.array_equal(by_id.for_items(table), sids.codes)
        backwards = data.items_by_id.take(torch.arange(len(table)).flip(0))
        assert np.array_equal(tokenizer.tokenize(backwards).for_items(table), sids.codes)

    def test_same_seed_same_result(self) -> None:
        """Fitting twice gives the same codes."""
        assert np.array_equal(self.sids(toy_items()).codes, self.sids(toy_items()).codes)

    def test_export_writes_what_others_read(self) -> None:
        """The Parquet file and the index hold the same codes, and the card is beside them."""
        data = toy_items()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.fit(data).export(folder)
            table = SemanticIDs.read(folder / SIDS_FILE)
            index = SemanticIDs.read_index_json(folder / INDEX_FILE, item_table(data).items)
            assert np.array_equal(table.codes, index.codes)
            assert table.metadata["collision_strategy"]
            assert (folder / CARD_FILE).is_file()

    def test_a_checkpoint_brings_it_back(self) -> None:
        """`lgsid.load` makes one of a file that is read with `weights_only`; it gives the same codes."""
        data = toy_items()
        fitted, table = self.fit(data), item_table(data)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / CHECKPOINT_FILE
            checkpoints.save(fitted, path)
            again = checkpoints.load(path, Tokenizer)  # type: ignore[type-abstract]
        assert type(again) is type(fitted)
        expected = fitted.tokenize(table, data.vectors).codes
        assert np.array_equal(again.tokenize(table, data.vectors).codes, expected)


def item_table(data: ItemData) -> Dataset:
    """Return the dataset of a datamodule that is set up."""
    if data.dataset is None:
        raise AssertionError("the datamodule is not set up")
    return data.dataset


@cache
def toy_folder(shuffled: bool = False) -> tempfile.TemporaryDirectory[str]:
    """Write a toy city with vectors correlated with position and category to a temporary folder."""
    folder = tempfile.TemporaryDirectory()
    dataset = toy_city(seed=0)
    items = dataset.items
    if shuffled:
        items = items.take(np.random.default_rng(0).permutation(len(items)).astype(np.int64))
    Dataset(items, dataset.interactions, dataset.report).write(folder.name)
    order = np.argsort(items.ids.astype(str))
    rng = np.random.default_rng(1)
    kind = rng.normal(size=(len(items.codes("category")[1]), 12))[items.codes("category")[0]]
    place = np.stack([items.lat_deg - items.lat_deg.mean(), items.lon_deg - items.lon_deg.mean()], axis=1)
    vectors = np.empty((len(items), 12))
    vectors[order] = 0.2 * rng.normal(size=(len(items), 12))
    vectors += kind
    vectors[:, :2] += 20.0 * place
    Embeddings(items.ids, vectors.astype(np.float32)).write(Path(folder.name) / EMBEDDINGS_FILE)
    return folder


def toy_items(shuffled: bool = False) -> ItemData:
    """Return a datamodule over a toy city with vectors, set up; with `shuffled`, its items in another order."""
    folder = Path(toy_folder(shuffled).name)
    data = ItemData(str(folder), str(folder / EMBEDDINGS_FILE), batch_size=16)
    data.setup()
    return data
