"""One flipped byte anywhere in the results of a pipeline is noticed by the stage that owns it, and mended by a run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lgsid.artefacts import SemanticIDs
from lgsid.artefacts.stage_record import StageRecord
from lgsid.cli import main
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.runner import Runner

FILE = Path(__file__).resolve().parents[1] / "conf" / "tiny.yaml"
PLACES = (
    ("data", "items.parquet"),
    ("data", "interactions.parquet"),
    ("data", "dataset.json"),
    ("reward", "model.ckpt"),
    ("align", "embeddings.parquet"),
    ("align", "adapter/adapter_model.safetensors"),
    ("align", "adapter/adapter_config.json"),
    ("tokenize", "sids.parquet"),
    ("tokenize", "sids.index.json"),
    ("tokenize", "card.json"),
    ("tokenize", "fit_config.yaml"),
    ("tiger", "metrics.json"),
    ("tiger", "per_query.parquet"),
    ("tiger", "provenance.json"),
    ("report", "report.json"),
    ("tokenize", "stage.json"),
)

pytestmark = pytest.mark.slow


def flip(path, at=0.5):
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 2
    path.write_bytes(content)


@pytest.fixture
def copied(tiny_run, tmp_path, monkeypatch):
    """A copy of that folder, in which commands run; its times are those of the copy."""
    shutil.copytree(tiny_run, tmp_path / "desk", copy_function=shutil.copyfile)
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path / "desk"


def planned(**more):
    states = Runner(Pipeline.read(FILE, "run"), **more).plan()
    return {state.stage.name: state.reason for state in states if state.reason}


def test_a_copy_is_up_to_date(copied):
    assert planned() == {}
    assert planned(verify=True) == {}


@pytest.mark.parametrize(("stage", "name"), PLACES, ids=lambda part: part.replace("/", "."))
def test_the_stage_that_owns_a_file_notices(copied, stage, name):
    flip(Path("run", stage, name))
    reason = planned()[stage]
    if name == "stage.json":
        assert reason == "stage.json is damaged or of an earlier version"
    else:
        assert reason == f"damaged: {name} differs from what the stage wrote"


def test_with_the_old_time_it_takes_a_full_look(copied):
    path = Path("run/tokenize/sids.parquet")
    planned()
    Runner(Pipeline.read(FILE, "run")).run()  # records the times of the copy
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert planned() == {}
    assert planned(verify=True)["tokenize"] == "damaged: sids.parquet differs from what the stage wrote"


@pytest.mark.parametrize("name", ["sids.parquet", "stage.json"])
def test_a_run_makes_it_again_the_same_and_says_why(copied, tiny_run, capsys, name):
    flip(Path("run/tokenize", name))
    main(["run", str(FILE), "--run-folder", "run"])
    out = capsys.readouterr().out
    ran = [line for line in out.splitlines() if re.search(r"\] \S+: (?!up to date|done)", line)]
    assert len(ran) == 1
    assert "tokenize: " in ran[0]
    assert "damaged" in ran[0]
    assert SemanticIDs.read("run/tokenize/sids.parquet").codes.tolist() == (
        SemanticIDs.read(tiny_run / "run/tokenize/sids.parquet").codes.tolist()
    )
    assert planned() == {}


def refused(capsys, *words):
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("stage", "name", "words"),
    [
        ("tokenize", "sids.parquet", ["card", "run/tokenize/sids.parquet"]),
        ("tokenize", "sids.index.json", ["card", "run/tokenize/sids.index.json"]),
        ("data", "items.parquet", ["card", "run/tokenize/sids.parquet", "--items", "run/data/items.parquet"]),
        ("tiger", "model.ckpt", ["recommend", "--checkpoint", "run/tiger/model.ckpt", "--dataset", "run/data"]),
        ("data", "interactions.parquet", ["baselines", "--dataset", "run/data", "--output", "out"]),
        ("tiger", "metrics.json", ["report", "run/tiger", "--output", "out"]),
        ("tiger", "fit_config.yaml", ["report", "run/tiger", "--output", "out"]),
        ("tokenize", "model.ckpt", ["tokenize", "--checkpoint", "run/tokenize/model.ckpt", "--dataset", "run/data"]),
        (
            "tiger",
            "model.ckpt",
            ["test", "--config", "run/tiger/fit_config.yaml", "--ckpt_path", "run/tiger/model.ckpt"],
        ),
        ("align", "embeddings.parquet", ["fit", "--config", "run/tokenize/fit_config.yaml"]),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else part,
)
def test_a_command_outside_the_pipeline_refuses_the_file(copied, capsys, stage, name, words):
    flip(Path("run", stage, name))
    if words[0] in ("fit", "test"):
        words = [*words, "--run-folder", "out"]
    if words[0] == "recommend":
        words = [*words, "--user", "u0"]
    if words[0] == "tokenize":
        words = [*words, "--embeddings", "run/align/embeddings.parquet", "--output", "out"]
    line = refused(capsys, *words)
    assert f"run/{stage}/{name}: damaged: differs from what stage {stage} wrote" in line
    assert not Path("out").exists()


def test_only_is_refused_on_damaged_input(copied, capsys):
    flip(Path("run/tokenize/sids.parquet"))
    line = refused(capsys, "run", str(FILE), "--run-folder", "run", "--only", "tiger", "--force", "tiger")
    assert "stage tiger needs stage tokenize, whose result is damaged (sids.parquet differs" in line


def test_a_damaged_mark_of_the_run_is_written_anew(copied):
    Path("run/run.json").write_text("{")
    main(["run", str(FILE), "--run-folder", "run"])
    assert StageRecord.read(Path("run/tiger")) is not None
    assert "tiny" in Path("run/run.json").read_text()


def test_of_two_trainings_in_one_folder_the_second_is_told_of_the_first(copied):
    words = [sys.executable, "-m", "lgsid", "fit", "--config", "run/tiger/fit_config.yaml", "--run-folder", "two"]
    words += ["--data.dataset=run/data", "--data.sids=run/tokenize/sids.parquet", "--trainer.max_epochs=8"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = {process.pid: process.communicate(timeout=300)[1] for process in both}
    codes = {process.pid: process.returncode for process in both}
    assert sorted(codes.values()) == [0, 2], errors
    first, second = sorted(codes, key=codes.__getitem__)
    line = [line for line in errors[second].splitlines() if line.startswith("lgsid: error")]
    assert len(line) == 1
    assert f"two: process {first} (since" in line[0]
    assert Path("two/model.ckpt").is_file()
