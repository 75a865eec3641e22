"""Names cannot leave their folder, wherever they become that of a file or folder."""

import re
from pathlib import Path

import pytest
import yaml

from fuzz.names import GOOD_NAMES, HOSTILE_NAMES, HOSTILE_PATHS, NAMES_THAT_ARE_NONE
from lgsid.artefacts.names import check_inside, check_name, check_word
from lgsid.benchmark.suite import Suite, suite_root
from lgsid.errors import LgsidError
from lgsid.pipeline.pipeline import Pipeline

ONE_LINE = re.compile(r"\A[\x20-\x7e\u00a1-\uffff]+\Z")


@pytest.mark.parametrize("check", [check_name, check_word])
@pytest.mark.parametrize("name", [*HOSTILE_NAMES, *NAMES_THAT_ARE_NONE], ids=ascii)
def test_a_hostile_name_is_refused_in_one_line(name, check):
    with pytest.raises(LgsidError, match=ONE_LINE) as caught:
        check(name, "here: name")
    assert str(caught.value).startswith("here: name: ")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_good_name_passes_and_names_a_folder(name, tmp_path):
    check_name(name, "here")
    (tmp_path / f"{name}.partial").mkdir()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=ascii)
def test_a_path_inside_a_folder_stays_there(path):
    with pytest.raises(LgsidError, match="leads out of its folder"):
        check_inside(path, "here")


def test_paths_inside_a_folder_pass():
    for path in ("", "model.ckpt", "log/a.csv", "a..b/c", "..."):
        check_inside(path, "here")


def pipeline(path, **changes):
    stages = {"data": {"command": "data prepare", "config": "data/synthetic_city.yaml"}}
    Path(path).write_text(yaml.safe_dump({"name": "mine", "stages": stages, **changes}), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", HOSTILE_NAMES[:-1], ids=ascii)  # the last is no text that a file can hold
def test_recipes_and_suites_refuse_hostile_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = yaml.safe_load((suite_root() / "smoke.yaml").read_text(encoding="utf-8"))
    stage = {"command": "data prepare", "config": "data/synthetic_city.yaml"}
    suites = (
        {**good, "name": name},
        {**good, "stages": {**good["stages"], name: next(iter(good["stages"].values()))}},
        {**good, "methods": {**good["methods"], name: {"stage": next(iter(good["stages"]))}}},
        {**good, "datasets": [{**good["datasets"][0], "name": name}]},
        {**good, "datasets": [{**good["datasets"][0], "split": name}]},
    )
    for content in suites:
        Path("suite.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        with pytest.raises(LgsidError, match=ONE_LINE):
            Suite.read("suite.yaml")
    for changes in ({"name": name}, {"stages": {name: stage}}):
        with pytest.raises(LgsidError, match=ONE_LINE):
            Pipeline.read(pipeline("mine.yaml", **changes))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml", "suite.yaml"]


def test_a_reference_stays_in_the_folder_of_its_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"command": "data prepare", "config": "data/synthetic_city.yaml"}
    for path in HOSTILE_PATHS:
        card = {"command": "card", "set": {"sids": f"$data/{path}"}}
        with pytest.raises(LgsidError, match=r"mine.yaml: stage card: .*leads out of its folder"):
            Pipeline.read(pipeline("mine.yaml", stages={"data": data, "card": card}))
