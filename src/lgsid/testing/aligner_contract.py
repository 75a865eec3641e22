"""Contract tests of aligners of a text encoder, to inherit in the tests of other packages."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lgsid.alignment.far_pairs import FarPairs
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.names import EMBEDDINGS_FILE
from lgsid.datamodules.preference_data import PreferenceData
from lgsid.module import LgsidDataModule, LgsidModule
from lgsid.testing.module_contract import ModuleContract
from lgsid.testing.tiny_encoder import tiny_encoder
from lgsid.testing.toy_city import toy_dataset_folder
from lgsid.text.lora_spec import LoraSpec
from lgsid.text.text_encoder import TextEncoder


@cache
def model_folder() -> tempfile.TemporaryDirectory[str]:
    """Write a tiny language model to a temporary folder."""
    folder = tempfile.TemporaryDirectory()
    tiny_encoder("bert", folder.name)
    return folder


def trainable_encoder() -> TextEncoder:
    """Return a tiny text encoder with an adapter to train."""
    torch.manual_seed(0)
    return TextEncoder(model_folder().name, lora=LoraSpec(rank=4), autocast="float32")


def toy_pairs() -> PreferenceData:
    """Return a dozen preference pairs of a toy city."""
    return PreferenceData(toy_dataset_folder(), samplers=[FarPairs(near=10)], n_pairs=12, batch_size=4)


class AlignerContract(ModuleContract):
    """Contract tests of an aligner, beside those of all modules.

    Derive a class whose name starts with `Test` and give it `make`. Tokenizers read the vectors that it leaves.
    """

    @abstractmethod
    def make(self) -> tuple[LgsidModule, LgsidDataModule]:
        """Return a new aligner of a text encoder, and pairs to train it on."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Make it with a tiny text encoder that has an adapter."""
        return part(encoder=trainable_encoder()), toy_pairs()

    def check_export(self, folder: Path, module: LgsidModule) -> None:
        """Check that there is a finite vector for every place, under its own id, and that they are not all the same."""
        found = Embeddings.read(folder / EMBEDDINGS_FILE)
        assert sorted(found.item_ids) == sorted(Dataset.read(toy_dataset_folder()).items.ids)
        assert found.vectors.dtype == np.float32
        assert np.isfinite(found.vectors).all()
        assert float(found.vectors.std(axis=0).max()) > 1e-4
