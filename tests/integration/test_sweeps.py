"""A sweep sets what the parser knows, and optimizes what is logged. wandb's own functions make the command lines."""

import csv
import itertools

import pytest
import yaml

from lgsid.cli import main
from lgsid.commands.run_pipeline import split_override
from lgsid.config.config_files import config_root, own_configs
from lgsid.errors import LgsidError
from lgsid.pipeline.command import commands
from lgsid.pipeline.command_parser import parse_words
from lgsid.pipeline.parse_only import parse_training
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.preflight import check_options
from lgsid.testing import tiny_encoder, toy_city

SWEEPS = [name for name in own_configs() if name.startswith("sweeps/")]


def content_of(name):
    return yaml.safe_load((config_root() / name).read_text(encoding="utf-8"))


def command_lines(name, parameters=None):
    """Return the words after `lgsid` of as many runs as have each value once, as the agent of wandb makes them."""
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    content = content_of(name)
    given = parameters or {key: entry["values"] for key, entry in content["parameters"].items()}
    longest = max(map(len, given.values()))
    for values in zip(*(itertools.islice(itertools.cycle(some), longest) for some in given.values()), strict=True):
        chosen = {key: {"value": value} for key, value in zip(given, values, strict=True)}
        made = create_sweep_command_args({"args": chosen})["args"]
        words = [
            part
            for word in create_sweep_command(list(content["command"]))
            for part in (made if word == "${args}" else [word])
        ]
        start = words.index("lgsid")
        assert words[:start] == ["${env}"]  # the agent puts the environment there
        yield words[start + 1 :]


def check(words):
    """Parse a command line, with the options of the stages that it changes, and go no further."""
    if words[0] == "fit":
        parse_training(words)
    else:
        pipeline, changed = pipeline_of(words)
        check_options(pipeline, [pipeline.stages[name] for name in changed])


def pipeline_of(words):
    """Return the pipeline that a command line runs, and the names of the stages that it changes."""
    options = parse_words(commands()["run"], "run", words[1:])
    overrides = {}
    for text in options["set_"]:
        stage, key, value = split_override(text)
        overrides.setdefault(stage, {})[key] = value
    pipeline = Pipeline.read(options["pipeline"], None, overrides, options["logger"])
    assert set(overrides) <= set(options["only"]) <= set(pipeline.stages)
    return pipeline, list(overrides)


def test_there_are_sweeps_over_lambda_and_codebook_sizes():
    swept = {key.rpartition(".")[2] for name in SWEEPS for key in content_of(name)["parameters"]}
    assert {"similarity_weight", "codebook_sizes"} <= swept


@pytest.mark.parametrize("name", SWEEPS)
def test_every_run_of_a_sweep_is_accepted(name):
    lines = list(command_lines(name))
    assert len({tuple(line) for line in lines}) == len(lines) > 2
    for words in lines:
        check(words)
    assert content_of(name)["metric"]["goal"] in ("maximize", "minimize")


@pytest.mark.parametrize("name", SWEEPS)
def test_a_parameter_that_is_not_there_would_be_refused(name):
    first = next(iter(content_of(name)["parameters"]))
    wrong = first.replace("similarity_weight", "similarity_wait")
    with pytest.raises(LgsidError, match="similarity_wait"):
        check(next(command_lines(name, {wrong: [0.5]})))


def test_values_arrive_at_their_stages():
    lines = list(command_lines("sweeps/weight_and_codebooks.yaml"))
    pipelines = [pipeline_of(words)[0] for words in lines]
    found = [pipeline.stages["tokenize"].options["model.init_args.codebook_sizes"] for pipeline in pipelines]
    assert [24, 32] in found
    weights = {pipeline.stages["align"].options["model.init_args.similarity_weight"] for pipeline in pipelines}
    assert weights == {0.0, 0.25, 0.5, 1.0}
    assert len({pipeline.run_folder for pipeline in pipelines}) == len(lines)


def logged(folder):
    [path] = folder.rglob("metrics.csv")
    return set(next(csv.reader(path.open())))


def test_what_the_sweeps_optimize_is_logged_by_the_last_training_of_each_run(tmp_path):
    """By the stage's own config on a toy city, with one batch; no other stage of the run logs the same name."""
    toy_city(folder=tmp_path / "data")
    tiny_encoder("bert", tmp_path / "bert")
    data, small = f"--data.dataset={tmp_path / 'data'}", ["--trainer.max_epochs=1", "--trainer.limit_train_batches=1"]
    encoder = f"--model.encoder.init_args.model={tmp_path / 'bert'}"
    words = next(command_lines("sweeps/alignment_weight.yaml"))
    own = [word for word in words if "logger/" not in word and "dataset=" not in word and "n_pairs=" not in word]
    main([*own, data, encoder, "--data.n_pairs=32", *small, "--run-folder", str(tmp_path / "align")])
    of_alignment = logged(tmp_path / "align")
    assert content_of("sweeps/alignment_weight.yaml")["metric"]["name"] in of_alignment

    main(["fit", "--config", "tokenizer/random.yaml", data, "--run-folder", str(tmp_path / "ids")])
    sids, t5 = f"--data.sids={tmp_path / 'ids' / 'sids.parquet'}", "--model.t5={d_model: 16, d_kv: 8, num_layers: 1}"
    generator = ["fit", "--config", "recommender/place_generator.yaml", data, sids, t5, *small]
    main([*generator, "--run-folder", str(tmp_path / "next")])
    metric = content_of("sweeps/weight_and_codebooks.yaml")["metric"]["name"]
    assert metric in logged(tmp_path / "next")
    assert metric not in of_alignment | logged(tmp_path / "ids")
