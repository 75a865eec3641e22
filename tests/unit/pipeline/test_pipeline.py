"""Pipeline files: order, references, and one line for whatever is wrong in them."""

from pathlib import Path

import pytest
import yaml

from lgsid.commands.run_pipeline import split_override
from lgsid.config.config_files import config_root, find_config, own_configs, read_config, read_yaml, strings
from lgsid.errors import LgsidError
from lgsid.pipeline.command import stage_kinds
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.stage import Stage, substituted

BASELINES = {"command": "baselines", "set": {"dataset": "$data"}}
DATA = {"command": "data prepare", "config": "data.yaml"}


@pytest.fixture
def write(tmp_path):
    def write(stages, **more):
        (tmp_path / "data.yaml").write_text("name: toy\n")
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump({"name": "mine", "stages": stages, **more}, sort_keys=False))
        return path

    return write


def test_stages_come_after_what_they_need_else_in_the_order_of_the_file(write):
    pipeline = Pipeline.read(write({"b": BASELINES, "a": BASELINES, "data": DATA, "end": {"command": "report"}}))
    assert list(pipeline.stages) == ["data", "b", "a", "end"]
    assert pipeline.stages["b"].needs == ("data",)
    assert pipeline.stages["end"].needs == ("b", "a", "data")
    assert pipeline.run_folder == Path("runs/mine")
    assert pipeline.options(pipeline.stages["b"]) == {"dataset": "runs/mine/data"}


def test_the_seed_of_the_pipeline_can_be_an_option(write):
    stage = {**BASELINES, "set": {"dataset": {"path": "$data", "seed": "$seed", "price": "$$seed"}}}
    pipeline = Pipeline.read(write({"data": DATA, "a": stage}, seed=7))
    assert pipeline.stages["a"].needs == ("data",)
    options = pipeline.options(pipeline.stages["a"])
    assert options == {"dataset": {"path": "runs/mine-seed7/data", "seed": 7, "price": "$seed"}}


@pytest.mark.parametrize(
    ("stages", "more", "message"),
    [
        ({"seed": BASELINES}, {}, "stage seed: $seed means the seed of the pipeline; choose another name"),
        ({"a": {**BASELINES, "sets": {}}}, {}, "stages: a: unknown key 'sets'; did you mean set?"),
        (
            {"a": {"command": "baseline"}},
            {},
            "unknown command 'baseline'; did you mean baselines? known: baselines, card",
        ),
        ({"a": {"command": None}}, {}, "stages: a: command: expected a text, found None"),
        ({"dta": DATA, "a": BASELINES}, {}, "stage a refers to $data; did you mean dta?"),
        ({"data": {"command": "data prepare", "config": "gone.yaml"}}, {}, "gone.yaml: no such config file"),
        ({"data": {"command": "data prepare"}}, {}, "stage data: config is missing"),
        ({"data": {"command": "data prepare", "config": ["data.yaml", "data.yaml"]}}, {}, "reads one config, found 2"),
        ({"a": {"command": "baselines"}}, {}, "stage a: set lacks 'dataset'"),
        (
            {"a": {"command": "baselines", "set": {"datset": "x"}}},
            {},
            "unknown key 'datset' in set; did you mean dataset?",
        ),
        (
            {"a": {"command": "fit", "config": "data.yaml", "set": {"seed": 1}}},
            {},
            "'seed' in set is given by the pipeline",
        ),
        ({"a": {"command": "baselines", "set": ["x"]}}, {}, "set: expected `key: value` lines"),
        ({"a": {"command": "test", "config": "data.yaml"}}, {}, "nothing to test"),
        ({"a b": BASELINES}, {}, "stages: 'a b' cannot name a file or folder"),
        ({"a": "fit"}, {}, "stages: a: expected `key: value` lines (command, config, set), found 'fit'"),
        ({}, {}, "stages: expected at least one"),
        ({"a": {"verb": "fit"}}, {}, "stages: a: `verb:` is called `command:` now; rename it"),
        ({"a": {"command": []}}, {}, "stage a: command: expected at least one"),
        ({"data": DATA}, {"sead": 3}, "unknown key 'sead'; did you mean seed?"),
        ({"data": DATA}, {"seed": "x"}, "seed: expected a whole number"),
        ({"data": DATA}, {"name": "a/b"}, "name: 'a/b' cannot name a file or folder"),
        ({"data": DATA}, {"logger": "gone.yaml"}, "gone.yaml: no such config file"),
    ],
)
def test_what_is_wrong_is_one_line(write, stages, more, message):
    with pytest.raises(LgsidError) as error:
        Pipeline.read(write(stages, **more))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_cycles(write):
    one = {"command": "baselines", "set": {"dataset": "$two"}}
    two = {"command": "baselines", "set": {"dataset": "$one/x"}}
    with pytest.raises(LgsidError, match=r"wait for each other: (one -> two -> one|two -> one -> two)"):
        Pipeline.read(write({"one": one, "two": two}))


@pytest.mark.parametrize(("text", "message"), [("a: [", "line 1"), ("- 1", "found list"), ("", "found NoneType")])
def test_files_that_are_no_mapping(tmp_path, text, message):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(LgsidError, match=message):
        Pipeline.read(tmp_path / "x.yaml")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(LgsidError, match="cannot be read"):
        read_yaml(tmp_path / "x.yaml")


def test_overrides_win_and_name_a_stage(write):
    path = write({"data": DATA, "a": BASELINES})
    pipeline = Pipeline.read(path, overrides={"a": {"dataset": "elsewhere"}})
    assert pipeline.stages["a"].options == {"dataset": "elsewhere"}
    assert pipeline.stages["a"].needs == ()
    with pytest.raises(LgsidError, match="no stage 'b'"):
        Pipeline.read(path, overrides={"b": {}})


def test_split_override():
    assert split_override("tiger.trainer.max_epochs=3") == ("tiger", "trainer.max_epochs", 3)
    assert split_override("a.x=[1, {b: c}]") == ("a", "x", [1, {"b": "c"}])
    assert split_override("a.x=y=z") == ("a", "x", "y=z")
    for wrong in ("a.x", "a=3", ".=3", "=", "a.x=[1"):
        with pytest.raises(LgsidError, match="--set"):
            split_override(wrong)


def test_references_inside_nested_values():
    options = {"x": [{"y": "$a/b/c.json"}, "$b"], "z": "$$a", "n": 3, "w": "costs $5 or $6"}
    stage = Stage("s", ("fit",), options=options)
    assert stage.references() == [("a", "b/c.json"), ("b", "")]
    assert substituted(options, lambda s, p: f"<{s}|{p}>") == {
        "x": [{"y": "<a|b/c.json>"}, "<b|>"],
        "z": "$a",
        "n": 3,
        "w": "costs $5 or $6",
    }


def test_configs_are_found_by_name_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = config_root() / "pipelines" / "demo.yaml"
    assert find_config("pipelines/demo.yaml") == own
    assert find_config("configs/pipelines/demo.yaml") == own
    assert find_config("../pipelines/demo.yaml", tmp_path) == own
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "demo.yaml").write_text("name: mine\n")
    assert find_config("pipelines/demo.yaml") == Path("pipelines/demo.yaml")
    with pytest.raises(LgsidError, match="is a folder"):
        find_config("pipelines")


def test_a_copied_pipeline_file_still_finds_its_parts(tmp_path):
    copy = tmp_path / "copy.yaml"
    copy.write_text((config_root() / "pipelines" / "demo.yaml").read_text())
    assert Pipeline.read(copy).stages["data"].configs[0] == config_root() / "data" / "synthetic_city.yaml"


def test_nested_files_become_content(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "q.yaml").write_text("class_path: Q\ninit_args: {deep: r.yaml}\n")
    (tmp_path / "sub" / "r.yaml").write_text("x: 1\n")
    (tmp_path / "top.yaml").write_text("a: [sub/q.yaml, gone.yaml]\n")
    content = read_config(tmp_path / "top.yaml")
    assert content == {"a": [{"class_path": "Q", "init_args": {"deep": {"x": 1}}}, "gone.yaml"]}
    assert strings(content) == ["Q", "gone.yaml"]


@pytest.mark.parametrize("name", [c for c in own_configs() if c.startswith("pipelines/")])
def test_own_pipelines_are_valid(name):
    pipeline = Pipeline.read(name)
    assert pipeline.name == Path(name).stem
    assert next(iter(pipeline.stages)) == "data"
    assert list(pipeline.stages)[-1] == "report"


def test_every_stage_kind_says_what_runs():
    for command in stage_kinds().values():
        for root in command.code:
            module, _, name = root.partition(":")
            assert hasattr(__import__(module, fromlist=[name]), name)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_no_generator_takes(write, seed):
    with pytest.raises(LgsidError, match=f"seed {seed} is not in 0..4294967295"):
        Pipeline.read(write({"data": DATA}, seed=seed))
