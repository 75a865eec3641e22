"""Same seed, same bytes, wherever a pipeline runs and whatever Python's hash seed (docs/reproducibility.md)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lgsid.testing import tiny_encoder

FILE = Path(__file__).resolve().parents[1] / "conf" / "tiny.yaml"
RUN = Path("runs/tiny")
CODE = "import sys; from lgsid.cli import main; main(sys.argv[1:])"
OF_ONE_RUN = {"provenance.json", "stage.json"}
TIMED = {"report.md", "report.json", "report.ansi"}


def lgsid(folder, words, hash_seed=0, threads=1):
    own = {"PYTHONHASHSEED": str(hash_seed), "OMP_NUM_THREADS": str(threads), "LGSID_CACHE": str(folder / "cache")}
    subprocess.run([sys.executable, "-c", CODE, *words], cwd=folder, env={**os.environ, **own}, check=True)


@pytest.fixture(scope="module")
def desks(tmp_path_factory):
    """Two folders in which the same pipeline ran."""
    folders = [tmp_path_factory.mktemp(name) for name in ("desk", "another_desk_with_a_longer_name")]
    for hash_seed, folder in enumerate(folders):
        tiny_encoder("bert", folder / "encoder")
        lgsid(folder, ["run", str(FILE), "--run-folder", str(RUN)], hash_seed)
    return folders


def files_of(folder):
    return {path.relative_to(folder): path for path in sorted((folder / RUN).rglob("*")) if path.is_file()}


def without_times(path):
    """Return the text of a report without what the stages took."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        content = json.loads(text)
        for stage in content["stages"]:
            del stage["seconds"], stage["peak_memory_mb"]
        return content
    before, _, costs = text.partition("Stages")
    assert costs
    return before, re.sub(r"[\d.,]+|[ ─━]+", " ", costs)


@pytest.mark.slow
def test_every_artefact_is_equal_byte_for_byte(desks):
    first, second = map(files_of, desks)
    assert list(first) == list(second)
    assert {"model.ckpt", "adapter_config.json", "sids.parquet", "map.png", "metrics.csv"} <= {p.name for p in first}
    for name, path in first.items():
        if name.name in TIMED:
            assert without_times(path) == without_times(second[name]), name
        elif name.name not in OF_ONE_RUN:
            assert path.read_bytes() == second[name].read_bytes(), name


@pytest.mark.slow
def test_no_artefact_names_the_folder_it_was_made_in(desks):
    for name, path in files_of(desks[0]).items():
        if name.name not in OF_ONE_RUN:
            assert str(desks[0]).encode() not in path.read_bytes(), name


@pytest.mark.slow
def test_equal_runs_on_two_threads_are_equal(desks):
    """The gradients of embedding tables are added up in one order, whichever thread comes first."""
    data = [f"--data.dataset={RUN / 'data'}", f"--data.sids={RUN / 'tokenize' / 'sids.parquet'}"]
    words = ["fit", "--config", "recommender/din.yaml", "--trainer.max_epochs=1", *data]
    found = set()
    for name in ("a", "b", "c"):
        lgsid(desks[0], [*words, "--run-folder", name], threads=2)
        found.add((desks[0] / name / "model.ckpt").read_bytes())
    assert len(found) == 1
