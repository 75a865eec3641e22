"""What every module that Lightning trains keeps; contracts of reward models and aligners derive from it."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from pathlib import Path

import lightning as L
import torch

from lgsid import checkpoints
from lgsid.artefacts.names import CHECKPOINT_FILE
from lgsid.checkpoint_file import read_checkpoint_file
from lgsid.module import LgsidDataModule, LgsidModule
from lgsid.testing.few_steps import few_steps
from lgsid.testing.part_contract import PartContract, refused
from lgsid.typing import Batch


class ForeignBatch(Batch):
    """Batches that no module reads."""


class ModuleContract(PartContract):
    """Contract tests of a module: it trains, repeats itself under a seed, and comes back from its checkpoint."""

    base = LgsidModule
    n_batches = 3

    @abstractmethod
    def make(self) -> tuple[LgsidModule, LgsidDataModule]:
        """Return a new module, and the data to train it on; with the same arguments every time."""

    def part(self) -> LgsidModule:
        """Return a new module."""
        return self.make()[0]

    def trained(self) -> LgsidModule:
        """Return a module after a few steps under a seed."""
        L.seed_everything(0, verbose=False)
        module, data = self.make()
        few_steps(module, data, self.n_batches)
        return module

    def test_training_moves_its_weights(self) -> None:
        """All stay finite, and at least one is no longer what it was."""
        L.seed_everything(0, verbose=False)
        before = {name: weight.detach().clone() for name, weight in self.part().named_parameters()}
        after = dict(self.trained().named_parameters())
        assert all(bool(weight.isfinite().all()) for weight in after.values())
        assert any(name not in before or not torch.equal(weight, before[name]) for name, weight in after.items())

    def test_same_seed_same_weights(self) -> None:
        """Training twice gives the same state."""
        one, other = self.trained().state_dict(), self.trained().state_dict()
        assert list(one) == list(other)
        assert all(torch.equal(value, other[name]) for name, value in one.items()), "the seed does not decide"

    def test_a_checkpoint_brings_it_back(self) -> None:
        """`lgsid.load` makes the same class with the same state of a file that is read with `weights_only`."""
        module = self.trained()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / CHECKPOINT_FILE
            checkpoints.save(module, path)
            read_checkpoint_file(path)
            again: LgsidModule = checkpoints.load(path)
            assert type(again) is type(module)
            state = again.state_dict()
            assert list(state) == list(module.state_dict())
            assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
            self.check_checkpoint(path, module)

    def check_checkpoint(self, path: Path, module: LgsidModule) -> None:
        """Check what else a checkpoint of this kind is for."""

    def test_data_of_another_kind_are_refused(self) -> None:
        """Before anything is trained, in one line that names both classes."""
        module, data = self.make()
        foreign = type("ForeignData", (type(data),), {"serves": ForeignBatch})
        with refused("ForeignData", type(module).__name__):
            module.check_batches(foreign(**data.constructor_arguments()))

    def test_export_writes_its_results(self) -> None:
        """Into the folder that it is given, finished."""
        module = self.trained()
        with tempfile.TemporaryDirectory() as folder:
            module.export(Path(folder))
            self.check_export(Path(folder), module)

    def check_export(self, folder: Path, module: LgsidModule) -> None:
        """Check what a module of this kind leaves behind."""
