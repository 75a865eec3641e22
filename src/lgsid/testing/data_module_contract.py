"""Contract tests of data modules, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from itertools import islice
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from lgsid.module import LgsidDataModule
from lgsid.testing.part_contract import PartContract, refused
from lgsid.testing.toy_city import toy_dataset_folder
from lgsid.typing import Batch


class DataModuleContract(PartContract):
    """Contract tests of a data module.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = LgsidDataModule
    stages = ("val", "test", "predict")
    """Which dataloaders it has beside that for training."""
    n_batches = 3

    @abstractmethod
    def make(self) -> LgsidDataModule:
        """Return a new data module, before `setup`; with the same arguments every time."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Make it over the folder of a toy city."""
        return part(dataset=toy_dataset_folder())

    def prepared(self) -> LgsidDataModule:
        """Return a data module after `setup`, under a seed."""
        L.seed_everything(0, verbose=False)
        data = self.make()
        data.setup("fit")
        return data

    def batches(self, data: LgsidDataModule) -> list[Batch]:
        """Return the first training batches."""
        return list(islice(data.train_dataloader(), self.n_batches))

    def test_it_tells_the_sizes_of_its_data(self) -> None:
        """After `setup`: as many items as the dataset has; the same if it is set up again."""
        data: Any = self.prepared()
        shape = data.shape
        assert shape.n_items == len(data.dataset.items) > 0
        data.setup("test")
        assert data.shape == shape

    def test_training_batches_are_what_it_says_that_it_serves(self) -> None:
        """Instances of `serves`, not empty, with as many rows in every field, and finite numbers."""
        data = self.prepared()
        found = self.batches(data)
        assert found
        for batch in found:
            assert isinstance(batch, data.serves)
            assert len(batch) > 0
            for field in fields(batch):
                value = getattr(batch, field.name)
                if isinstance(value, (Tensor, np.ndarray)):
                    assert len(value) == len(batch), field.name
                if isinstance(value, Tensor) and value.is_floating_point():
                    assert not bool(value.isinf().any()), field.name

    def test_same_seed_same_batches(self) -> None:
        """Two data modules of the same arguments serve the same, in the same order."""
        first, again = self.batches(self.prepared()), self.batches(self.prepared())
        assert len(first) == len(again)
        for one, other in zip(first, again, strict=True):
            for field in fields(one):
                value, expected = getattr(one, field.name), getattr(other, field.name)
                same = torch.equal(value, expected) if isinstance(value, Tensor) else np.array_equal(value, expected)
                assert same, field.name

    def test_the_other_loaders_serve_something(self) -> None:
        """Each of `stages`; they may be lists of dataloaders."""
        data = self.prepared()
        data.setup("test")
        for stage in self.stages:
            loaders = getattr(data, f"{stage}_dataloader")()
            for loader in loaders if isinstance(loaders, list) else [loaders]:
                assert len(next(iter(loader))) > 0, stage

    def test_a_folder_without_a_dataset_is_one_clear_line(self) -> None:
        """At the latest in `setup`."""
        arguments = self.make().constructor_arguments()
        kind: Any = type(self.make())
        with refused("no/such/folder"):
            kind(**{**arguments, "dataset": "no/such/folder"}).setup("fit")
