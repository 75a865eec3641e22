"""Tests run offline, on one thread, and leave nothing outside their temporary folders."""

import os
import tempfile

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["WANDB_MODE"] = "offline"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LGSID_CACHE"] = tempfile.mkdtemp(prefix="lgsid-test-cache-")
os.environ.pop("LGSID_PLUGINS", None)


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory):
    """The folder of a toy city of 60 places with semantic IDs beside it; tests read it, and write elsewhere."""
    import numpy as np

    from lgsid.artefacts import SemanticIDs
    from lgsid.testing import toy_city

    folder = tmp_path_factory.mktemp("toy_city")
    items = toy_city(folder=folder).items
    row = np.arange(len(items))
    SemanticIDs(items.ids, np.stack([row % 5, row // 5 % 4, row // 20], 1), (5, 4, 7)).write(folder / "sids.parquet")
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """The folder of a tiny BERT with random weights, as a text."""
    from lgsid.testing import tiny_encoder

    return tiny_encoder("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache of vectors that no other test fills."""
    monkeypatch.setenv("LGSID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
