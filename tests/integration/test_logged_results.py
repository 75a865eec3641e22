"""Figures, tables, cards and checkpoints reach the logger that a config names; what was written is read back."""

import csv
import json
import struct
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pytest
from lightning.pytorch.loggers import Logger
from lightning.pytorch.loggers.logger import DummyLogger

from lgsid.artefacts import Embeddings
from lgsid.artefacts.hashes import file_hash
from lgsid.cli import main
from lgsid.config.config_files import find_config, read_config
from lgsid.errors import LgsidError
from lgsid.logs import LoggedResults, LogSink, NoSink, WandbSink, configured_loggers, sink_of
from lgsid.logs.log_sink import numbers_in
from lgsid.report.report_table import ReportTable
from lgsid.testing import toy_city

ALL_LOGGERS = """
trainer:
  logger:
    - {class_path: CSVLogger, init_args: {save_dir: ., name: null}}
    - {class_path: TensorBoardLogger, init_args: {save_dir: ., name: tensorboard}}
    - {class_path: WandbLogger, init_args: {project: lgsid, log_model: true}}
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    items = toy_city(n_items=60, folder=folder / "data").items
    vectors = np.random.default_rng(0).normal(size=(len(items), 8)).astype(np.float32)
    Embeddings(items.ids, vectors).write(folder / "embeddings.parquet")
    return folder


@pytest.fixture(scope="module")
def run(city, tmp_path_factory):
    """A tokenizer trained with all loggers at once."""
    root = tmp_path_factory.mktemp("runs")
    (root / "loggers.yaml").write_text(ALL_LOGGERS)
    inputs = [f"--data.dataset={city / 'data'}", f"--data.embeddings={city / 'embeddings.parquet'}"]
    small = ["--trainer.max_epochs=1", "--model.codebook_sizes=[8, 8, 8]"]
    configs = ["--config", "tokenizer/hier.yaml", "--config", str(root / "loggers.yaml")]
    main(["fit", *configs, "--run-folder", str(root / "ids"), *inputs, *small])
    return root / "ids"


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    path = next(folder.rglob("events.out.tfevents.*"))
    found = EventAccumulator(str(path.parent), size_guidance={"images": 0, "tensors": 0, "scalars": 0})
    return found.Reload()


def text_of(found, name):
    return found.Tensors(f"{name}/text_summary")[-1].tensor_proto.string_val[0].decode()


def records(folder):
    """Return all records of an offline run: a log of LevelDB, blocks of 32 kB, each part with its length and type."""
    from wandb.proto.wandb_internal_pb2 import Record

    [path] = folder.rglob("run-*.wandb")
    data, at, block, parts, found = path.read_bytes(), 7, 2**15, b"", []
    while at + 7 <= len(data):
        if block - at % block < 7:  # padding: no header fits
            at += block - at % block
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts = (b"" if kind in (1, 2) else parts) + data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(parts)
            found.append(record)
    return found


def history(found):
    """Return the keys that were logged."""
    items = [item for record in found if record.HasField("history") for item in record.history.item]
    return {item.key or item.nested_key[0] for item in items}


def test_csv_has_files_beside_its_metrics(run):
    [metrics] = (run / "log").rglob("metrics.csv")
    folder = metrics.parent
    assert {path.name for path in (folder / "figures").glob("*.png")} == {"map.png", "prefix_distances.png"}
    assert matplotlib.image.imread(folder / "figures" / "map.png").shape[0] > 100
    rows = list(csv.reader((folder / "tables" / "card.csv").open()))
    card = json.loads((run / "card.json").read_text())
    assert json.loads((folder / "cards" / "ids.json").read_text()) == card
    assert any(f"{card['distinct_share']:.3f}" in cell for row in rows for cell in row)
    about = json.loads((folder / "checkpoints" / "ids.json").read_text())
    assert (folder / about["path"]).resolve() == (run / "model.ckpt").resolve()
    assert about["sha256"] == file_hash(run / "model.ckpt")
    assert about["metrics"] == json.loads((run / "metrics.json").read_text())


def test_tensorboard_has_them_in_its_event_file(run):
    found = events(run)
    assert set(found.Tags()["images"]) == {"figures/map", "figures/prefix_distances"}
    image = found.Images("figures/map")[0]
    assert image.encoded_image_string[:4] == bytes([0x89]) + b"PNG"
    card = json.loads((run / "card.json").read_text())
    assert found.Scalars("cards/ids/distinct_share")[0].value == pytest.approx(card["distinct_share"])
    assert "| --- |" in text_of(found, "tables/card")
    assert file_hash(run / "model.ckpt") in text_of(found, "checkpoints/ids")
    assert "train/loss" in found.Tags()["scalars"]


def test_wandb_has_them_in_the_files_of_its_offline_run(run):
    media = {path.relative_to(run).as_posix().partition("/files/media/")[2] for path in run.rglob("media/**/*.*")}
    assert any(name.startswith("images/figures/map_") for name in media)
    [table] = run.rglob("media/table/tables/card_*.table.json")
    content, card = json.loads(table.read_text()), json.loads((run / "card.json").read_text())
    assert any(f"{card['distinct_share']:.3f}" in map(str, row) for row in content["data"])
    found = records(run)
    assert {"figures/map", "tables/card", "train/loss"} <= history(found)
    updates = [item for record in found if record.HasField("summary") for item in record.summary.update]
    summary = {item.key or item.nested_key[0]: item.value_json for item in updates}
    assert json.loads(summary["cards/ids/distinct_share"]) == pytest.approx(card["distinct_share"])


def test_wandb_uploads_no_weights_unasked(tmp_path):
    WandbSink(SimpleNamespace(_log_model=False)).checkpoint("checkpoints/x", tmp_path, {})  # touches no run
    assert "log_model" not in read_config(find_config("logger/wandb.yaml"))["trainer"]["logger"]["init_args"]
    assert read_config(find_config("logger/wandb_artifacts.yaml"))["trainer"]["logger"]["init_args"]["log_model"]


def test_wandb_keeps_the_checkpoint_as_an_artifact_where_asked(run):
    artifacts = [r.request.log_artifact.artifact for r in records(run) if r.request.HasField("log_artifact")]
    artifacts += [record.artifact for record in records(run) if record.HasField("artifact")]
    [model] = [artifact for artifact in artifacts if artifact.type == "model"]
    about = json.loads(model.metadata)
    assert about["model"] == "HierTokenizer"
    assert about["metrics"] == json.loads((run / "metrics.json").read_text())
    [entry] = model.manifest.contents
    assert (entry.path, entry.size) == ("model.ckpt", (run / "model.ckpt").stat().st_size)


def test_a_training_without_a_configured_logger_draws_nothing(city, tmp_path):
    inputs = ["--config", "recommender/popularity.yaml", f"--data.dataset={city / 'data'}"]
    main(["fit", *inputs, "--run-folder", str(tmp_path / "run")])
    assert not [path for path in (tmp_path / "run" / "log").rglob("*") if path.suffix in (".png", ".json")]


def test_a_test_logs_its_leaderboard(city, tmp_path):
    run = tmp_path / "run"
    base = ["--config", "recommender/popularity.yaml", "--run-folder", str(run), f"--data.dataset={city / 'data'}"]
    main(["fit", *base])
    main(["test", *base, "--config", "logger/tensorboard.yaml", "--ckpt_path", str(run / "model.ckpt")])
    found = events(run)
    shown = f"{json.loads((run / 'metrics.json').read_text())['test/mrr@10']:.3f}"
    assert shown in text_of(found, "tables/leaderboard")
    assert found.Tags()["images"] == ["figures/leaderboard"]
    assert "checkpoints/run/text_summary" not in found.Tags()["tensors"]  # it is of the training


def test_a_card_and_a_report_go_to_the_logger(city, run, tmp_path):
    given = [str(run / "sids.parquet"), "--items", str(city / "data" / "items.parquet")]
    main(["card", *given, "--logger", "logger/tensorboard.yaml", "--output", str(tmp_path / "card")])
    found = events(tmp_path / "card" / "log")
    assert set(found.Tags()["images"]) == {"figures/map", "figures/prefix_distances"}
    card = json.loads((tmp_path / "card" / "card.json").read_text())
    assert found.Scalars("cards/card/collision_rate")[0].value == pytest.approx(card["collision_rate"])
    stages = [str(city / "data"), str(run)]
    main(["report", *stages, "--output", str(tmp_path / "report"), "--logger", "logger/csv.yaml"])
    written = {path.relative_to(tmp_path / "report") for path in (tmp_path / "report" / "log").rglob("*.*")}
    assert {Path(path).name for path in written} >= {"map.png", "card.csv", "stages.csv", "ids.json"}
    [drawn] = (tmp_path / "report" / "log").rglob("figures/map.png")
    assert drawn.read_bytes() == (tmp_path / "report" / "map.png").read_bytes()


def test_a_pipeline_gives_its_logger_to_the_report(city, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = f"{{data.init_args.dataset: {city / 'data'}, model.init_args.codebook_sizes: [8, 8, 8]}}"
    stages = f"  ids: {{command: fit, config: tokenizer/random.yaml, set: {options}}}\n  report: {{command: report}}\n"
    (tmp_path / "p.yaml").write_text(f"stages:\n{stages}")
    main(["run", "p.yaml", "--logger", "logger/csv.yaml"])
    assert list(Path("runs/p/ids/log").rglob("figures/map.png"))
    assert list(Path("runs/p/report/log").rglob("tables/stages.csv"))
    assert "log" not in (tmp_path / "runs/p/report/stage.json").read_text()  # no part of the result


def test_a_logger_of_another_library_gets_a_sink_of_its_own():
    class Other(DummyLogger):
        pass

    class Kept(NoSink):
        def __init__(self):
            self.names = []

        def table(self, name, table):
            self.names.append((name, table.title))

    table = ReportTable("Title", ("a", "b"), (("1", "2"),))
    assert isinstance(sink_of(Other()), NoSink)
    kept = Kept()
    sink_of.register(Other, lambda logger: kept)
    LoggedResults({"t": table}).log([Other(), DummyLogger()])
    assert kept.names == [("tables/t", "Title")]
    assert isinstance(kept, LogSink)


def test_a_config_without_a_logger_or_with_a_wrong_one_is_refused(tmp_path):
    for text, words in (
        ("model: {}", "names no logger"),
        ("trainer: {logger: true}", "names no logger"),
        ("trainer: {logger: {class_path: os.system}}", "os"),
        ("trainer: {logger: {class_path: CSVLogger, init_args: {save_dir: ., nonsense: 1}}}", "nonsense"),
    ):
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(LgsidError, match=words), configured_loggers(tmp_path / "c.yaml", tmp_path, "x"):
            pass
    with configured_loggers(None, tmp_path, "x") as none:
        assert none == []
    with configured_loggers("logger/csv.yaml", tmp_path, "x") as [made]:
        assert isinstance(made, Logger)


def test_numbers_are_found_at_any_depth():
    card = {"a": 1, "b": None, "c": {"d": [0.5, {"e": 2}]}, "f": "text", "g": True}
    assert numbers_in(card) == {"a": 1.0, "c.d.1": 0.5, "c.d.2.e": 2.0}
