"""`lgsid fit | test` on a toy city: what a run leaves, and known traps of LightningCLI."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch.callbacks import RichProgressBar

from lgsid.artefacts import Embeddings, SemanticIDs
from lgsid.cli import main
from lgsid.pipeline import training_cli
from lgsid.recommenders import Popularity, Recommender
from lgsid.testing import toy_city
from lgsid.tokenizers import HierTokenizer

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--trainer.max_epochs=2", "--model.codebook_sizes=[8, 8, 8]"]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Folder with a dataset and random vectors of its items."""
    folder = tmp_path_factory.mktemp("city")
    items = toy_city(n_items=60, folder=folder / "data").items
    vectors = np.random.default_rng(0).normal(size=(len(items), 8)).astype(np.float32)
    Embeddings(items.ids, vectors).write(folder / "embeddings.parquet")
    return folder


def hier(city, run, *more):
    inputs = [f"--data.dataset={city / 'data'}", f"--data.embeddings={city / 'embeddings.parquet'}"]
    main(["fit", "--config", "tokenizer/hier.yaml", "--run-folder", str(run), *inputs, *SMALL, *more])
    return run


@pytest.fixture(scope="module")
def fitted(city, tmp_path_factory):
    return hier(city, tmp_path_factory.mktemp("runs") / "hier")


@pytest.fixture(scope="module")
def popular(city, tmp_path_factory):
    """A recommender that was tested."""
    run = tmp_path_factory.mktemp("runs") / "popular"
    base = ["--config", "recommender/popularity.yaml", "--run-folder", str(run), f"--data.dataset={city / 'data'}"]
    main(["fit", *base])
    main(["test", *base, "--ckpt_path", str(run / "model.ckpt")])
    return run


def test_fit_leaves_model_metrics_provenance_config_and_artefacts(fitted):
    names = {path.name for path in fitted.iterdir()}
    assert names >= {"model.ckpt", "metrics.json", "provenance.json", "fit_config.yaml", "sids.parquet", "card.json"}
    record = json.loads((fitted / "provenance.json").read_text())
    assert record["seed"] == 2026
    assert record["versions"]["torch"] == torch.__version__
    assert record["data_hash"]
    assert record["seconds"] > 0
    assert 50 < record["peak_memory_mb"] < 50_000
    assert record["config"]["model"]["class_path"] == "lgsid.tokenizers.HierTokenizer"
    assert (fitted / "log" / "fit" / "metrics.csv").is_file()
    assert len(SemanticIDs.read(fitted / "sids.parquet").item_ids) == 60


def test_the_saved_config_repeats_the_run(fitted, tmp_path):
    again = tmp_path / "again"
    main(["fit", "--config", str(fitted / "fit_config.yaml"), "--run-folder", str(again)])
    for name in ("sids.parquet", "metrics.json", "model.ckpt", "fit_config.yaml"):
        assert (again / name).read_bytes() == (fitted / name).read_bytes(), name


def test_another_seed_is_another_run(city, fitted, tmp_path):
    run = hier(city, tmp_path / "other", "--seed_everything=7")
    assert json.loads((run / "provenance.json").read_text())["seed"] == 7


def test_default_run_folder_has_class_and_time(city, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["fit", "--config", "tokenizer/random.yaml", f"--data.dataset={city / 'data'}"])
    [run] = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"RandomTokenizer-\d{8}-\d{6}", run.name)
    assert not (tmp_path / "lightning_logs").exists()


def test_test_adds_its_metrics_and_its_own_config(popular):
    metrics = json.loads((popular / "metrics.json").read_text())
    assert "test/hit@1" in metrics
    assert (popular / "fit_config.yaml").is_file()
    assert (popular / "test_config.yaml").is_file()
    assert (popular / "per_query.parquet").is_file()


def test_output_in_a_log_fits_80_columns_and_has_no_warnings(city, tmp_path, capfd):
    hier(city, tmp_path / "run")
    shown = capfd.readouterr()
    text = (shown.out + shown.err).replace(str(tmp_path), "")
    assert "Warning" not in text
    assert max(map(len, text.splitlines()), default=0) <= 80


# Trap 1: a checkpoint's hyper-parameters must not win over the config and the flags.
def test_on_a_terminal_a_bar_shows_how_it_goes(city, tmp_path, monkeypatch, capsys):
    bar = RichProgressBar(leave=False)
    monkeypatch.setattr(training_cli, "progress_callbacks", lambda: [bar])
    run = hier(city, tmp_path / "run")
    assert (run / "model.ckpt").is_file()
    assert bar.trainer.progress_bar_callback is bar


def test_a_flag_wins_over_the_checkpoint(city, popular, tmp_path):
    model = Popularity.load_from_checkpoint(popular / "model.ckpt", map_location="cpu")
    base = ["--config", "recommender/time_transition.yaml", f"--data.dataset={city / 'data'}"]
    run = tmp_path / "transition"
    main(["fit", *base, "--run-folder", str(run)])
    main(["test", *base, "--run-folder", str(run), "--model.last_factor=0.7", f"--ckpt_path={run / 'model.ckpt'}"])
    saved = yaml.safe_load((run / "test_config.yaml").read_text())
    assert saved["model"]["init_args"]["last_factor"] == 0.7
    kept = torch.load(run / "model.ckpt", weights_only=True)["hyper_parameters"]
    assert kept["last_factor"] != 0.7
    assert isinstance(model, Recommender)


# Trap 2: checkpoints load, whether the command line or Python made the model, with weights_only.
def test_checkpoints_of_the_command_line_load(fitted):
    model = HierTokenizer.load_from_checkpoint(fitted / "model.ckpt", map_location="cpu")
    state = torch.load(fitted / "model.ckpt", weights_only=True)["state_dict"]
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name])


def test_checkpoints_of_python_load_with_weights_only(city, tmp_path):
    import lightning as L

    from lgsid.datamodules import ItemData

    data = ItemData(str(city / "data"), str(city / "embeddings.parquet"))
    trainer = L.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu"
    )
    model = HierTokenizer(codebook_sizes=[8, 8, 8], optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
    trainer.fit(model, data)
    trainer.save_checkpoint(tmp_path / "python.ckpt")
    kept = torch.load(tmp_path / "python.ckpt", weights_only=True)
    assert "optimizer" not in kept["hyper_parameters"]
    assert kept["data_shape"]["n_items"] == 60


# Trap 4: links between arguments ignore misspelt names and overwrite what the user set. There are none.
def test_no_arguments_are_linked():
    sources = [path.read_text() for path in (ROOT / "src").rglob("*.py")]
    assert not any("link_arguments" in text for text in sources)


# Trap 6: the optimizer is an argument of the model, and takes its flags.
def test_the_optimizer_comes_from_the_model(city, tmp_path):
    run = hier(city, tmp_path / "run", "--model.optimizer=SGD", "--model.optimizer.lr=0.25")
    saved = yaml.safe_load((run / "fit_config.yaml").read_text())
    assert "optimizer" not in saved
    assert saved["model"]["init_args"]["optimizer"]["class_path"] == "torch.optim.SGD"
    assert saved["model"]["init_args"]["optimizer"]["init_args"]["lr"] == 0.25


# Trap 7: a class argument takes a YAML file, relative to the file that names it.
def test_a_class_argument_is_a_file_beside_the_config(city, tmp_path):
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "quantizer.yaml").write_text("class_path: RQKMeans\n")
    config = yaml.safe_load((ROOT / "configs" / "tokenizer" / "hier.yaml").read_text())
    config["model"]["init_args"]["quantizer"] = "quantizer.yaml"
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    run = tmp_path / "run"
    inputs = [f"--data.dataset={city / 'data'}", f"--data.embeddings={city / 'embeddings.parquet'}"]
    main(["fit", "--config", str(folder / "mine.yaml"), "--run-folder", str(run), *inputs, *SMALL])
    saved = yaml.safe_load((run / "fit_config.yaml").read_text())
    assert saved["model"]["init_args"]["quantizer"]["class_path"] == "lgsid.RQKMeans"


# Trap 8: bounds on what is known to be broken or malicious, and only public names of jsonargparse.
def test_bounds_and_public_names():
    text = (ROOT / "pyproject.toml").read_text()
    assert '"lightning>=2.6.6,<3"' in text
    assert '"jsonargparse[signatures]>=4.52,<5"' in text
    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    assert not re.search(r"jsonargparse\._|from jsonargparse import _", sources)


@pytest.mark.parametrize(
    "flags",
    [["--model.quantizer=RQKMeans"], ["--model.geo_encoder=LocalMetresGeoEncoder"], ["--model=ResidualTokenizer"]],
)
def test_a_part_is_swapped_by_one_flag(city, tmp_path, flags):
    run = hier(city, tmp_path / "run", *flags)
    assert flags[0].partition("=")[2] in (run / "fit_config.yaml").read_text()
    assert len(SemanticIDs.read(run / "sids.parquet").item_ids) == 60


def test_the_h3_plugin_by_its_short_name(city, tmp_path):
    config = yaml.safe_load((ROOT / "configs" / "tokenizer" / "hier.yaml").read_text())
    config["model"]["init_args"]["geo_encoder"] = {"class_path": "H3GeoEncoder", "init_args": {"width": 16}}
    (tmp_path / "h3.yaml").write_text(yaml.safe_dump(config))
    inputs = [f"--data.dataset={city / 'data'}", f"--data.embeddings={city / 'embeddings.parquet'}"]
    main(["fit", "--config", str(tmp_path / "h3.yaml"), "--run-folder", str(tmp_path / "run"), *inputs, *SMALL])
    record = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert record["plugins"]["lgsid-h3"]
    assert record["config"]["model"]["init_args"]["geo_encoder"]["class_path"] == "lgsid_h3.H3GeoEncoder"


def test_wandb_by_a_config(city, tmp_path):
    run = hier(city, tmp_path / "run", "--config", "logger/wandb.yaml")
    [offline] = (run / "log" / "wandb").glob("offline-run-*")
    assert offline.is_dir()
    assert not (run / "log" / "fit").exists()


def test_the_best_weights_are_kept(city, tmp_path):
    callback = "{class_path: ModelCheckpoint, init_args: {monitor: val/collision_rate, mode: max}}"
    run = hier(city, tmp_path / "run", f"--trainer.callbacks=[{callback}]", "--trainer.check_val_every_n_epoch=1")
    best = list((run / "log").rglob("*.ckpt"))
    assert len(best) == 1
    assert (run / "model.ckpt").is_file()
    assert "val/collision_rate" in json.loads((run / "metrics.json").read_text())
