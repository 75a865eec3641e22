"""Which heavy packages a command imports: those that it uses, so that it starts soon."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import lightning as L
import numpy as np
import pytest

from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.datamodules import SequenceData
from lgsid.recommenders import Popularity
from lgsid.testing import toy_city
from lgsid.testing.toy_city import toy_tables

HEAVY = {
    *("torch", "lightning", "torchmetrics", "transformers", "peft", "sklearn", "scipy"),
    *("pandas", "geopandas", "matplotlib", "numpy", "rich", "PIL"),
}
TABLES = {"numpy", "pandas", "geopandas", "rich"}
OF_LIGHTNING = {"torch", "lightning", "torchmetrics", "transformers", "scipy", "matplotlib", "PIL", "sklearn"}
MAY_IMPORT = {
    "--help": set(),
    "--version": set(),
    "plugins": {"rich"},
    "configs": {"rich"},
    "data describe tables.yaml": TABLES,
    "data describe data/synthetic_city.yaml": TABLES | {"sklearn", "scipy"},
    "card sids.parquet": TABLES | {"torch"},
    "card sids.parquet --items data/items.parquet --embeddings vectors.parquet": TABLES | {"torch"},
    "recommend --checkpoint model.ckpt --dataset data --history p00001,p00002": TABLES | OF_LIGHTNING,
}
REPORT = """
import sys
from lgsid.cli import main
main(sys.argv[1:])
print("imported", *sys.modules, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A dataset, semantic IDs, vectors and a checkpoint of a counting model; tables and their config."""
    folder = tmp_path_factory.mktemp("start")
    data, rng = toy_city(folder=folder / "data"), np.random.default_rng(0)
    SemanticIDs(data.items.ids, rng.integers(4, size=(len(data.items), 2)), (4, 4)).write(folder / "sids.parquet")
    vectors = rng.normal(size=(len(data.items), 4)).astype(np.float32)
    Embeddings(data.items.ids, vectors).write(folder / "vectors.parquet")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = L.Trainer(accelerator="cpu", num_sanity_val_steps=0, max_epochs=1, limit_train_batches=1, **quiet)
    trainer.fit(Popularity(), datamodule=SequenceData(data))
    trainer.save_checkpoint(folder / "model.ckpt")
    toy_tables(folder / "my_data")
    example = Path(__file__).parents[2] / "configs/data/table_example.yaml"
    (folder / "tables.yaml").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("words", MAY_IMPORT)
def test_a_command_imports_what_it_uses(words, folder):
    call = [sys.executable, "-c", REPORT, *words.split()]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = set(done.stderr.rpartition("imported ")[2].split()) & HEAVY
    assert imported <= MAY_IMPORT[words]
