"""The commands that are not training, every config, and what a user sees who makes a mistake."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lgsid.artefacts import Dataset, Embeddings, SemanticIDs
from lgsid.benchmark.suite import Suite, own_suites
from lgsid.cli import main
from lgsid.commands.prepare_data import builder_of
from lgsid.config.config_files import config_root, own_configs
from lgsid.pipeline import training_cli
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.preflight import check_options
from lgsid.pipeline.training_cli import TrainingCLI
from lgsid.pipeline.training_words import found_configs
from lgsid.testing import toy_city

TRAINED = [c for c in own_configs() if c.split("/")[0] not in ("data", "pipelines", "logger", "sweeps")]


RECOMMEND = ("recommend", "--checkpoint", "popular/model.ckpt", "--dataset", "data")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Folder with `data`, `vectors.parquet`, and the run folders `hier` and `popular`."""
    folder = tmp_path_factory.mktemp("desk")
    items = toy_city(n_items=60, folder=folder / "data").items
    vectors = np.random.default_rng(0).normal(size=(len(items), 8)).astype(np.float32)
    Embeddings(items.ids, vectors).write(folder / "vectors.parquet")
    data = f"--data.dataset={folder / 'data'}"
    main(
        [
            *("fit", "--config", "tokenizer/hier.yaml", "--run-folder", str(folder / "hier"), data),
            *(f"--data.embeddings={folder / 'vectors.parquet'}", "--trainer.max_epochs=1"),
            "--model.codebook_sizes=[8, 8, 8]",
        ]
    )
    main(["fit", "--config", "recommender/popularity.yaml", "--run-folder", str(folder / "popular"), data])
    return folder


@pytest.fixture(autouse=True)
def at_desk(desk, monkeypatch):
    monkeypatch.chdir(desk)


def lgsid(*arguments, cwd=None):
    """Run the command in a process of its own."""
    code = "from lgsid.cli import main; main()"
    environment = {**os.environ, "COLUMNS": "80", "LGSID_PLUGINS": ""}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )


def mistake(*arguments, capsys):
    """Return the one line that a wrong command prints."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert stop.value.code == 2
    captured = capsys.readouterr().err
    line = [text for text in captured.splitlines() if text][-1]
    assert line.startswith("lgsid: error: ")
    assert "Traceback" not in captured
    return line.removeprefix("lgsid: error: ")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["plugins"], ["run", "--help"], []])
def test_light_commands_are_fast(arguments):
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = lgsid(*arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0, done.stderr
        assert not done.stderr
    assert min(seconds) < 1.0
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_mistake_in_a_process_is_one_line_and_exit_code_2():
    done = lgsid("fit", "--config", "tokenizer/hier.yaml", "--data.dataset=data", "--model.quantizer=RQKMean")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "lgsid: error: model.quantizer: no class 'RQKMean'; did you mean RQKMeans? "
        "known: CosineRQKMeans, LearnedCodebooks, LearnedRQVAE, RQKMeans, RQVAE, ResidualCentroids, ResidualFSQ,"
        " ResidualVQ"
    )


def test_a_training_in_a_process_is_quiet():
    done = lgsid("fit", "--config", "tokenizer/random.yaml", "--data.dataset=data", "--run-folder=quiet")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith("quiet: done in")
    assert len(done.stderr.splitlines()) <= 3, done.stderr
    assert "Warning" not in done.stderr


RANDOM = ("fit", "--config", "tokenizer/random.yaml", "--data.dataset=data", "--run-folder=wrong")
DRY_RUN = ("run", "pipelines/demo.yaml", "--dry-run", "--set")
HIER = ("fit", "--config", "tokenizer/hier.yaml", "--data.dataset=data", "--run-folder=wrong")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fti",), "unknown command 'fti'; did you mean fit?"),
        (("benchmark", "rnu"), "unknown command 'benchmark rnu'; did you mean benchmark run?"),
        (("benchmark", "run", "smokes"), "did you mean smoke?"),
        (("run", "pipelines/dmo.yaml"), "did you mean pipelines/demo.yaml?"),
        (("plugins", "quantiser"), "unknown kind of plugin 'quantiser'; did you mean quantizers?"),
        (("plugins", "--kinds"), "unknown argument '--kinds'"),
        (("evaluate", "x.parquet", "--dataset=data", "--neighbors=Exact"), "did you mean ExactNeighbors?"),
        (("fit",), "missing: data, model"),
        (("fit", "--config", "gone.yaml"), "gone.yaml: no such config file"),
        (("fit", "--config", "broken.yaml"), "broken.yaml: not valid YAML: line "),
        (("fit", "--config", "odd.yaml"), "unknown key 'modle'; did you mean model?"),
        ((*RANDOM, "--model=RandomTokeniser"), "model: no class 'RandomTokeniser'; did you mean RandomTokenizer?"),
        ((*RANDOM, "--model=gone.Thing"), "model: gone.Thing may not be named: it is not of lgsid"),
        ((*RANDOM, "--model=lgsid.Gone"), "model: no class 'lgsid.Gone'; "),
        ((*RANDOM, "--data=ItemDat"), "data: no class 'ItemDat'; did you mean ItemData?"),
        ((*RANDOM, "--model.codebook_size=[8]"), "did you mean codebook_sizes? known: "),
        ((*RANDOM, "--model.codebook_sizes=x"), "model.codebook_sizes: "),
        ((*RANDOM, "--trainer.max_epoch=1"), "trainer: Trainer has no argument 'max_epoch'; did you mean max_epochs?"),
        ((*RANDOM, "--trainer.accelerator=abacus"), "trainer: You selected an invalid accelerator name"),
        ((*RANDOM, "--trainer.callbacks=[Erly]"), "trainer.callbacks: no class 'Erly'"),
        ((*RANDOM, "--model.optimizer=Adamm"), "model.optimizer: no class 'Adamm'; did you mean Adam?"),
        ((*RANDOM, "--model.optimizer.lrr=1"), "'lrr'"),
        ((*RANDOM, "--ckpt_path=gone.ckpt"), "gone.ckpt: no such checkpoint"),
        ((*RANDOM, "--data.dataset=gone"), "gone: no such dataset folder"),
        ((*HIER, "--model.geo_encoder=Fourier"), "model.geo_encoder: no class 'Fourier'; did you mean Fourier"),
        (HIER, "needs vectors"),
        (("run", "gone.yaml"), "gone.yaml: no such config file"),
        (("run", "pipelines/demo.yaml", "--set", "x"), "--set 'x': expected STAGE.KEY=VALUE"),
        (("run", "pipelines/demo.yaml", "--only", "tigre"), "no stage 'tigre'"),
        (
            (*DRY_RUN, "place_tiger.model.init_args.t5x=3"),
            "stage place_tiger: model: PlaceTIGER has no argument 't5x'; did you mean t5?",
        ),
        (
            (*DRY_RUN, "tokenize.model.init_args.quantizer=RQKmean"),
            "stage tokenize: model.quantizer: no class 'RQKmean'",
        ),
        ((*DRY_RUN, "place_tiger.trainer.max_epochs=x"), "stage place_tiger: trainer.max_epochs: expected int"),
        (
            (*DRY_RUN, "place_tiger.traner.max_epochs=1"),
            "stage place_tiger: unknown option '--traner.max_epochs'; did you mean --trainer?",
        ),
        ((*DRY_RUN, "data.source=SynthCity"), "source: no class 'SynthCity'; did you mean SyntheticCity?"),
        ((*DRY_RUN, "baselines.datset=x"), "stage baselines: unknown key 'datset' in set; did you mean dataset?"),
        (("run", "pipelines/demo.yaml", "--dryrun"), "unknown argument '--dryrun'; did you mean --dry-run?"),
        (("data",), "data: which one;"),
        (("data", "describe", "gone.yaml"), "gone.yaml: no such config file"),
        (("card", "gone.parquet", "--items", "data/items.parquet"), "gone.parquet"),
        (("card", "hier/sids.parquet", "--items", "data/items.parquet", "--dataset", "data"), "give one of them"),
        (("tokenize", "--checkpoint", "hier/model.ckpt", "--dataset", "data"), "missing: --output"),
        (("tokenize", "--checkpoint", "gone.ckpt", "--dataset", "data", "--output", "o"), "gone.ckpt"),
        (
            ("tokenize", "--checkpoint", "popular/model.ckpt", "--dataset", "data", "--output", "o"),
            "popular/model.ckpt",
        ),
        (("recommend", "--checkpoint", "hier/model.ckpt", "--dataset", "data", "--user", "x"), "hier/model.ckpt"),
        ((*RECOMMEND, "--user", "nobody"), "'nobody'"),
        ((*RECOMMEND, "--near", "north"), "--near 'north'"),
        (
            ("recommend", "--checkpoint", "popular/model.ckpt", "--dataset", "data", "--region", " ,"),
            "--region: no name",
        ),
        (
            ("recommend", "--checkpoint", "popular/model.ckpt", "--dataset", "data", "--area", "no.geojson"),
            "no.geojson",
        ),
        (
            ("recommend", "--checkpoint", "popular/model.ckpt", "--dataset", "data", "--among", "no.txt"),
            "no.txt: cannot",
        ),
    ],
)
def test_mistakes(arguments, message, capsys):
    Path("broken.yaml").write_text("a: [1,\nb: 2\n")
    Path("odd.yaml").write_text("modle: 3\n")
    assert message in mistake(*arguments, capsys=capsys)


def test_a_checkpoint_of_something_else(capsys):
    Path("text.ckpt").write_text("not a checkpoint")
    test = ("test", "--config", "recommender/popularity.yaml", "--data.dataset=data", "--run-folder=wrong")
    assert "not a readable checkpoint" in mistake(*test, "--ckpt_path=text.ckpt", capsys=capsys)
    assert "it was trained on" in mistake(*test, "--ckpt_path=hier/model.ckpt", capsys=capsys)
    other = ("validate", "--config", "tokenizer/residual_rqkmeans.yaml", *test[3:], "--data.embeddings=vectors.parquet")
    assert "of another model" in mistake(*other, "--ckpt_path=hier/model.ckpt", capsys=capsys)


def test_tokenize_gives_the_same_ids_again(capsys):
    inputs = ("--dataset", "data", "--embeddings", "vectors.parquet")
    main(["tokenize", "--checkpoint", "hier/model.ckpt", *inputs, "--output", "again"])
    first, again = SemanticIDs.read("hier/sids.parquet"), SemanticIDs.read("again/sids.parquet")
    assert (first.codes == again.codes).all()
    assert "again: written" in capsys.readouterr().out


def test_card_of_any_file(capsys):
    main(["card", "hier/sids.index.json", "--items", "data/items.parquet", "--embeddings", "vectors.parquet"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    main(["card", "hier/sids.parquet", "--items", "data/items.parquet", "--json"])
    assert json.loads(capsys.readouterr().out)


def test_cards_of_a_dataset_beside_each_other(capsys):
    files = ("hier/sids.parquet", "--dataset", "data", "--compare", "hier/sids.index.json")
    main(["card", *files])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    row = next(line for line in text.splitlines() if line.startswith("next visit, 1 code  "))
    first, second = row.removeprefix("next visit, 1 code").split(")")[:2]
    assert first.split() == second.split()  # the same codes
    main(["card", *files, "--json"])
    cards = json.loads(capsys.readouterr().out)
    assert list(cards) == ["hier/sids.parquet", "hier/sids.index.json"]
    assert cards["hier/sids.parquet"]["next_visits"] > 0


def test_evaluate_judges_vectors_and_tells_mistakes(capsys):
    words = ["evaluate", "vectors.parquet", "--dataset", "data"]
    main([*words, "--held-out-share", "0.4", "--split", "validation", "--output", "judged"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    judged = json.loads(Path("judged/metrics.json").read_text())
    assert f"{judged['after/held_out/purity@5']:.3f}" in text
    assert "share of items held out" in mistake(*words, "--held-out-share", "1.5", capsys=capsys)
    told = mistake(*words, "--adapter", "nowhere", "--output", "not_judged", capsys=capsys)
    assert "does not tell the encoder" in told
    assert not Path("not_judged").exists()


def test_pictures_of_an_alignment(capsys):
    table = ("--items", "data/items.parquet")
    main(["evaluate", "vectors.parquet", "--dataset", "data", "--reference", "vectors.parquet", "--output", "both"])
    capsys.readouterr()
    main(["plot", "vectors", "vectors.parquet", "--reference", "vectors.parquet", *table, "--output", "tsne.png"])
    main(["plot", "coverage", "both/metrics.json", "--dataset", "data", "--output", "radar.png"])
    main(["plot", "first-codes", "hier/sids.parquet", "--before", "hier/sids.parquet", *table, "--output", "codes.png"])
    assert capsys.readouterr().out.split() == [w for n in ("tsne", "radar", "codes") for w in (f"{n}.png:", "written")]
    for name in ("tsne", "radar", "codes"):
        assert Path(f"{name}.png").read_bytes().startswith(b"\x89PNG")
    words = ("plot", "first-codes", "hier/sids.parquet", *table, "--output", "none.png", "--chain", "Nowhere")
    assert "no place of category, brand or name 'Nowhere'" in mistake(*words, capsys=capsys)
    told = mistake("plot", "coverage", "data/dataset.json", "--output", "none.png", capsys=capsys)
    assert "no neighborhoods before and after" in told
    Path("nothing").mkdir()
    assert "no results of settings" in mistake("plot", "dial", "nothing", "--output", "none.png", capsys=capsys)
    assert not Path("none.png").exists()


def test_recommend_obeys_the_filters_of_the_command_line(capsys):
    items = Dataset.read("data").items.frame
    kind, region = items["category"][0], items["region_2"][0]
    Path("open.txt").write_text("\n".join(items["item_id"][:40]))
    west, north = items["lon"].min(), items["lat"].max()
    corners = [[west, items["lat"].min()], [items["lon"].max(), items["lat"].min()], [items["lon"].max(), north]]
    ring = [*corners, [west, north], corners[0]]
    Path("area.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    base = ["recommend", "--checkpoint", "popular/model.ckpt", "--dataset", "data", "-k", "60", "--json"]
    main([*base, "--category", kind, "--region", f"{region},", "--among", "open.txt", "--area", "area.geojson"])
    found = {item["item_id"] for item in json.loads(capsys.readouterr().out)["items"]}
    passing = (items["category"] == kind) & (items["region_2"] == region)
    assert found == set(items["item_id"][passing & (items.index < 40)])
    Path("line.geojson").write_text(json.dumps({"type": "LineString", "coordinates": corners}))
    for text, said in (("", "no item id in it"), ("x", "no place passes")):
        Path("none.txt").write_text(text)
        with pytest.raises(SystemExit):
            main([*base, "--among", "none.txt"])
        assert said in capsys.readouterr().err
    for name, said in (("line.geojson", "no polygon in it"), ("open.txt", "cannot be read as GeoJSON")):
        with pytest.raises(SystemExit):
            main([*base, "--area", name])
        assert said in capsys.readouterr().err


def test_recommend_prints_a_table_and_json(capsys):
    base = ["recommend", "--checkpoint", "popular/model.ckpt", "--dataset", "data", "-k", "3"]
    user = toy_city(n_items=60).interactions.frame["user_id"].iloc[-1]
    main([*base, "--user", user])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    main([*base, "--user", user, "--json"])
    assert len(json.loads(capsys.readouterr().out)["items"]) == 3


def test_data_describe_and_prepare(capsys):
    main(["data", "describe", "data/synthetic_city.yaml", "--source.init_args.n_checkins=3000"])
    text = capsys.readouterr().out
    assert "3,000" in text
    assert max(map(len, text.splitlines())) <= 80
    main(
        [
            *("data", "prepare", "data/synthetic_city.yaml", "--output", "city"),
            *("--source.init_args.n_checkins=3000", "--source.init_args.n_places=100"),
        ]
    )
    assert "city: written" in capsys.readouterr().out
    assert Path("city/items.parquet").is_file()


class Parsed(TrainingCLI):
    """Parses, and goes no further."""

    def before_instantiate_classes(self):
        pass

    def instantiate_classes(self):
        pass

    def _run_subcommand(self, subcommand):
        pass


@pytest.mark.parametrize("name", TRAINED)
def test_every_config_parses(name):
    training_cli.plugins.load()
    cli = Parsed(found_configs(["fit", "--config", str(config_root() / name), "--data.init_args.dataset=data"]))
    assert cli.config.fit.model.class_path.startswith("lgsid.")


@pytest.mark.parametrize("name", [c for c in own_configs() if c.startswith("logger/")])
def test_every_logger_config_parses(name):
    base = ["fit", "--config", str(config_root() / "tokenizer/random.yaml"), "--data.init_args.dataset=data"]
    cli = Parsed(found_configs([*base, "--config", str(config_root() / name)]))
    assert cli.config.fit.trainer.logger.class_path.startswith("lightning.pytorch.loggers.")


@pytest.mark.parametrize("name", [c for c in own_configs() if c.startswith("data/")])
def test_every_data_config_parses(name):
    assert builder_of(config_root() / name)


@pytest.mark.parametrize("name", [c for c in own_configs() if c.startswith("pipelines/")])
def test_options_of_own_pipelines_exist(name):
    """Every `set` of every pipeline is accepted by the config that it changes."""
    check_options(Pipeline.read(name))


@pytest.mark.parametrize("path", own_suites(), ids=lambda path: path.stem)
def test_options_of_own_suites_exist(path):
    """Every `set` of every suite, of its controls and of its budget too."""
    suite = Suite.read(path)
    for dataset in suite.datasets[:1]:
        check_options(suite.pipeline(dataset, suite.seeds[0], Path("runs")))
    for dataset in suite.datasets:
        stage = suite.pipeline(dataset, suite.seeds[0], Path("runs")).stages["data"]
        assert builder_of(stage.configs[0], stage.options)
