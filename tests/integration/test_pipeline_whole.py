"""The real stages, all of them, on a tiny city with a tiny random encoder."""

import json
import multiprocessing
import shutil
import time
from pathlib import Path

import pytest

from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.cli import main
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.runner import result_files

FILE = Path(__file__).resolve().parents[1] / "conf" / "tiny.yaml"
STAGES = tuple(Pipeline.read(FILE).stages)
forked = multiprocessing.get_context("fork")


def run(folder, *more):
    main(["run", str(FILE), "--run-folder", str(folder), *more])


@pytest.fixture(autouse=True)
def at_desk(tiny_run, monkeypatch):
    monkeypatch.chdir(tiny_run)


@pytest.mark.slow
def test_every_stage_leaves_its_artefacts():
    expected = {
        "data": {"items.parquet", "interactions.parquet", "dataset.json"},
        "reward": {"model.ckpt", "metrics.json", "fit_config.yaml"},
        "align": {"adapter", "embeddings.parquet", "reference_embeddings.parquet", "metrics.json", "model.ckpt"},
        "tokenize": {"sids.parquet", "sids.index.json", "card.json", "model.ckpt"},
        "again": {"sids.parquet", "sids.index.json", "card.json"},
        "judge": {"card.json"},
        "tiger": {"model.ckpt", "metrics.json", "per_query.parquet", "fit_config.yaml", "test_config.yaml"},
        "din": {"model.ckpt", "metrics.json"},
        "baselines": {"metrics.json"},
        "click_baselines": {"metrics.json", "ctr_candidates.parquet", "per_sample_VisitedBefore.parquet"},
        "report": {"report.md", "report.json", "report.ansi"},
    }
    for stage, names in expected.items():
        found = {path.name for path in Path("run", stage).iterdir()}
        assert found >= names | {"provenance.json"}, stage
    assert list(Path("run/report").glob("*.png"))


@pytest.mark.slow
def test_stages_agree():
    ids = SemanticIDs.read("run/tokenize/sids.parquet")
    assert (SemanticIDs.read("run/again/sids.parquet").codes == ids.codes).all()
    assert len({tuple(code) for code in ids.codes.tolist()}) == len(ids.codes)
    vectors = Embeddings.read("run/align/embeddings.parquet").vectors
    assert abs(vectors - Embeddings.read("run/align/reference_embeddings.parquet").vectors).max() > 1e-4


@pytest.mark.slow
def test_provenance_of_every_stage():
    data_hash = json.loads(Path("run/data/dataset.json").read_text())["data_hash"]
    for stage in STAGES:
        record = json.loads(Path("run", stage, "provenance.json").read_text())
        assert record["seed"] == (
            None if stage in ("data", "again", "judge", "baselines", "click_baselines", "report") else 1
        ), stage
        assert record["seconds"] >= 0
        assert record["peak_memory_mb"] > 0
        if stage not in ("data", "judge"):
            assert record["data_hash"] == data_hash, stage


@pytest.mark.slow
def test_nothing_runs_twice(capsys):
    run("run")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run folder: run"
    assert [line.endswith("up to date") for line in lines[1 : len(STAGES) + 1]] == [True] * len(STAGES)
    assert max(map(len, lines)) <= 80


@pytest.mark.slow
def test_a_part_is_swapped_by_one_flag(capsys):
    run("run", "--dry-run", "--set", "tokenize.model.init_args.quantizer=RQKMeans")
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["tokenize"] == "would run, config, code changed"
    assert lines["tiger"] == "would run, after tokenize"
    assert lines["align"] == lines["tiger_random"] == "up to date"


@pytest.mark.slow
def test_killed_in_every_stage_it_ends_with_the_same_result(tiny_run, tmp_path, monkeypatch):
    """The unbroken run and the broken one have the same files, bit for bit, and so the same metrics."""
    shutil.copytree(tiny_run / "encoder", tmp_path / "encoder")
    monkeypatch.chdir(tmp_path)
    killed = []
    for stage in STAGES:
        process = forked.Process(target=run, args=("run",))
        process.start()
        partial = Path("run", f"{stage}.partial")
        while process.is_alive() and not partial.exists():
            time.sleep(0.005)
        time.sleep(0.05)
        process.kill()
        process.join()
        if partial.exists():
            killed.append(stage)
    run("run")
    assert len(killed) > len(STAGES) // 2
    for stage in STAGES:
        if stage != "report":  # its table of costs holds seconds
            mine, theirs = tmp_path / "run" / stage, tiny_run / "run" / stage
            names = [str(path.relative_to(mine)) for path in result_files(mine)]
            assert names == [str(path.relative_to(theirs)) for path in result_files(theirs)]
            for name in names:
                assert (mine / name).read_bytes() == (theirs / name).read_bytes(), f"{stage}/{name}"
