"""Equal runs in different folders write equal checkpoints, and one that moved can go on."""

import hashlib
import shutil
from pathlib import Path

import torch

from lgsid.cli import main
from lgsid.pipeline.portable_paths import PortablePaths, with_texts

TINY = "{d_model: 16, d_kv: 8, d_ff: 16, num_heads: 2, num_layers: 1, num_decoder_layers: 1, dropout_rate: 0.1}"


def fit(toy_folder, run, *more):
    data = [f"--data.dataset={toy_folder}", f"--data.sids={toy_folder / 'sids.parquet'}", "--data.val_queries=20"]
    small = [f"--model.t5={TINY}", "--model.beam_width=8", "--trainer.max_epochs=1"]
    main(["fit", "--config", "recommender/tiger.yaml", "--run-folder", str(run), *data, *small, *more])
    return run / "model.ckpt"


def texts_in(value):
    found = []
    with_texts(value, lambda text: found.append(text) or text)
    return found


def test_two_folders_one_checkpoint(toy_folder, tmp_path, monkeypatch):
    first = fit(toy_folder, tmp_path / "one")
    monkeypatch.chdir(tmp_path)
    second = fit(toy_folder, Path("other/longer"))
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
    states = torch.load(first, weights_only=True)["callbacks"]
    assert any(text.startswith("log/fit/checkpoints/") for text in texts_in(states))
    assert str(tmp_path) not in repr(texts_in(torch.load(first, weights_only=True)))

    shutil.copytree(tmp_path / "one", tmp_path / "moved")
    shutil.rmtree(tmp_path / "one")
    moved = tmp_path / "moved"
    kept = torch.load(moved / "model.ckpt", weights_only=True)
    PortablePaths(moved).on_load_checkpoint(None, None, kept)
    [state] = kept["callbacks"].values()
    assert Path(state["best_model_path"]).is_file()
    assert state["dirpath"] == str(moved / "log" / "fit" / "checkpoints")
    fit(toy_folder, moved, "--ckpt_path", str(moved / "model.ckpt"), "--trainer.max_epochs=2")
    assert torch.load(moved / "model.ckpt", weights_only=True)["epoch"] == 2


def test_paths_of_elsewhere_stay(tmp_path):
    paths = PortablePaths(tmp_path / "run")
    for text in ("val/mrr@10", "/elsewhere/a.ckpt", str(tmp_path / "runs" / "a.ckpt"), "", "max"):
        assert paths.relative(text) == text
        assert paths.found(text) == text
