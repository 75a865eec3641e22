"""Wrong values of `lgsid fit | validate | test | predict`: one line with the key, exit code 2, nothing left behind."""

import functools
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lgsid.artefacts import Embeddings
from lgsid.cli import main
from lgsid.testing import toy_city

TIMEOUT_S = 120.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A working directory with a dataset, vectors and semantic IDs."""
    folder = tmp_path_factory.mktemp("desk")
    items = toy_city(n_items=40, folder=folder / "data").items
    vectors = np.random.default_rng(0).normal(size=(len(items), 8)).astype(np.float32)
    Embeddings(items.ids, vectors).write(folder / "vectors.parquet")
    main(
        [
            "fit",
            "--config",
            "tokenizer/plain_ids.yaml",
            f"--data.dataset={folder / 'data'}",
            "--run-folder",
            str(folder / "plain"),
        ]
    )
    return folder


@pytest.fixture(autouse=True)
def at_the_desk(desk, monkeypatch):
    monkeypatch.chdir(desk)


DATA = ("--data.init_args.dataset=data", "--run-folder=wrong")
HIER = ("--config", "tokenizer/hier.yaml", *DATA, "--data.init_args.embeddings=vectors.parquet")
PLAIN = ("--config", "tokenizer/plain_ids.yaml", *DATA)
ALIGN = ("--config", "alignment/gdpo.yaml", *DATA)
TIGER = ("--config", "recommender/tiger.yaml", *DATA)
TIGER_SIDS = (*TIGER, "--data.init_args.sids=plain/sids.parquet")
REWARD = ("--config", "reward/anchored_pair.yaml", *DATA)
DIN = ("--config", "recommender/din_no_sids.yaml", *DATA)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", *HIER, "--model.init_args.codebook_sizes=[8]"), "model.init_args.codebook_sizes: HierTokenizer: "),
        (("fit", *HIER, "--model.codebook_sizes=[]"), "model.init_args.codebook_sizes: HierTokenizer: needs at least"),
        (("fit", *HIER, "--model.geo_encoder.n_wavelengths=0"), "model.init_args.geo_encoder: FourierGeoEncoder: "),
        (("fit", *HIER, "--data.batch_size=0"), "data: ItemData does not accept these arguments (ValueError: batch_"),
        (("fit", *HIER, "--model.optimizer.lr=-1"), "model: HierTokenizer does not accept these arguments (ValueError"),
        (("fit", *HIER, "--trainer.logger=x"), "trainer.logger: no class 'x'; known: CSVLogger, "),
        (("fit", *HIER, "--seed_everything=-5"), "seed_everything: -5 is not in bounds"),
        (("fit", *ALIGN, "--data.init_args.n_pairs=0"), "data.init_args.n_pairs: PreferenceData: n_pairs must be"),
        (("fit", *ALIGN, "--data.ratios=[-1, 1, 1]"), "data.init_args.ratios: PreferenceData: ratios must be positive"),
        (("fit", *ALIGN, "--data.ratios=[0.5, 0.5]"), "data: PreferenceData: 3 samplers but 2 ratios"),
        (("fit", *ALIGN, "--model.encoder.model=gone/encoder"), "model.init_args.encoder.init_args.model: "),
        (("fit", *DIN, "--model.dropout=2"), "model: DIN does not accept these arguments (ValueError: dropout"),
        (("fit", *REWARD, "--data.n_candidates=1"), "data.init_args.n_candidates: RewardData: n_candidates must be at"),
        (
            ("fit", *REWARD, "--data.ratios=[1]"),
            "data.init_args.ratios: RewardData: 3 list sources but 1 ratios; give one ratio each",
        ),
        (("fit", *TIGER_SIDS, "--model.beam_width=0"), "model.init_args.beam_width: TIGER: beam_width must be"),
        (("data", "prepare", "data/synthetic_city.yaml", "--output=vectors.parquet"), "vectors.parquet: is a file"),
        (("fit", *TIGER), "data.init_args.sids is missing: TIGER generates semantic IDs; give sids.parquet"),
        (("validate", *TIGER_SIDS), "ckpt_path is missing: TIGER would be used with random weights"),
        (("test", *TIGER_SIDS), "ckpt_path is missing: TIGER would be used with random weights"),
        (("test", *DIN), "ckpt_path is missing: DIN would be used with random weights"),
        (("validate", *HIER), "ckpt_path is missing: HierTokenizer would be used with random weights"),
        (("fit", *PLAIN, "--run-folder=data/items.parquet"), "data/items.parquet: is a file"),
        (
            ("fit", "--config", "tokenizer/plain_ids.yaml", "--run_folder=x"),
            "unknown option '--run_folder'; did you mean --run-folder?",
        ),
        (("fit", "--confg", "tokenizer/plain_ids.yaml"), "unknown option '--confg'; did you mean --config?"),
        (("fit", "--config", "deep.yaml"), "unknown key 'modle'; did you mean model?"),
    ],
)
def test_a_wrong_value_is_one_line(arguments, message, capsys):
    Path("deep.yaml").write_text("modle: {class_path: Popularity}\n")
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"lgsid: error: {message}")
    assert not Path("wrong").exists()


def test_counting_baselines_need_no_checkpoint(capsys):
    main(["test", "--config", "recommender/popularity.yaml", "--data.dataset=data", "--run-folder=popular"])
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert len(lines) <= 16
    assert lines[0].split() == ["metric", "value"]
    assert any(line.startswith("MRR@10 ") for line in lines)
    assert lines[-1].strip().endswith("more metrics in popular/metrics.json")
    assert len(json.loads(Path("popular/metrics.json").read_text())) > 100


def test_a_test_may_be_silent(capsys):
    quiet = ["--run-folder=silent", "--verbose=false"]
    main(["test", "--config", "recommender/popularity.yaml", "--data.dataset=data", *quiet])
    assert capsys.readouterr().out == ""


def test_fit_ends_with_the_metric_and_the_folder(caplog):
    caplog.set_level("INFO", logger="lgsid")
    small = ["--trainer.max_epochs=1", "--data.sids=plain/sids.parquet"]
    main(["fit", "--config", "recommender/tiger.yaml", "--data.dataset=data", "--run-folder=tiger", *small])
    value = json.loads(Path("tiger/metrics.json").read_text())["val/mrr@10"]
    assert caplog.messages[-1].startswith("tiger: done in ")
    assert caplog.messages[-1].endswith(f"; val/mrr@10 {value:.4f}")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_is_stopped_ends_at_once_and_says_what_is_kept(sent):
    """SIGINT, as ctrl-C sends it, and SIGTERM, as `kill` does, in the middle of an epoch."""
    small = ["--trainer.max_epochs=100000", "--trainer.enable_progress_bar=false", "--trainer.log_every_n_steps=1"]
    command = [sys.executable, "-m", "lgsid", "fit", *HIER, "--model.codebook_sizes=[8, 8]", *small]
    shutil.rmtree("wrong", ignore_errors=True)
    listening = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # wherever tests are started from
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=listening)
    deadline = time.monotonic() + TIMEOUT_S
    while not Path("wrong/fit_config.yaml").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(sent)
    _, err = process.communicate(timeout=TIMEOUT_S)
    shutil.rmtree("wrong", ignore_errors=True)
    if sent == signal.SIGINT:
        assert process.returncode == 130
        assert err.splitlines()[-1] == "lgsid: interrupted; nothing was written of this fit; start it again"
    else:
        assert process.returncode == -signal.SIGTERM
    assert "Traceback" not in err
