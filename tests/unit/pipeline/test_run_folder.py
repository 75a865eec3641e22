"""A run replaces and removes what a run made, and nothing else."""

import json
import os
from pathlib import Path

import pytest
import yaml

from lgsid.artefacts.files import write_json
from lgsid.artefacts.locks import locked, try_lock
from lgsid.artefacts.stage_record import MADE_BY
from lgsid.benchmark.suite import Suite
from lgsid.cli import main
from lgsid.errors import LgsidError
from lgsid.pipeline.pipeline import Pipeline
from lgsid.pipeline.run_folder import (
    is_run_folder,
    new_partial,
    recover,
    remove,
    replace_folder,
    result_lock,
    working_in,
)

OLD_RECORD = {"config": "a", "inputs": "b", "code": "c", "files": {}}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's working directory, with a pipeline whose stages would be called `data` and `more`."""
    here = tmp_path / "home" / "work"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    write_pipeline("m.yaml")
    return here


def write_pipeline(path, name="mine"):
    data = {"command": "data prepare", "config": "data.yaml"}
    stages = {"data": data, "more": {"command": "baselines", "set": {"dataset": "$data"}}}
    Path(path).write_text(yaml.safe_dump({"name": name, "stages": stages}))
    Path(path).with_name("data.yaml").write_text(
        "name: toy\nsource: {class_path: SyntheticCity, init_args: {n_items: 60, n_users: 12, days: 20}}\n"
    )


def fill(folder):
    folder = Path(folder)
    folder.mkdir(parents=True)
    (folder / "theses.txt").write_text("ten years of work")
    return folder


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in sorted(Path(root).rglob("*"))}


def refused(root, capsys, *arguments):
    """Run the command line, and expect one line, exit code 2 and an unchanged disk."""
    before = tree(root)
    with pytest.raises(SystemExit) as stop:
        main(["run", *arguments])
    assert stop.value.code == 2
    assert tree(root) == before
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize("folder", [".", "..", "../..", "~"])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_folder_with_the_users_files_is_no_run_folder(home, capsys, folder, dry):
    for name in ("data", "data.old", "more.partial", "other"):
        fill(name)
    fill(home.parent / "data")
    folder = str(home.parent) if folder == "~" else folder
    assert "nothing was touched" in refused(home.parents[1], capsys, "m.yaml", "--run-folder", folder, *dry)


@pytest.mark.parametrize("name", ["data", "data.old", "data.partial", "more", "more.old", "more.partial"])
@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling link"])
def test_what_lies_in_the_way_inside_a_run_folder_is_kept(home, capsys, name, kind):
    write_json("run/run.json", MADE_BY)
    if kind == "folder":
        fill(f"run/{name}")
    elif kind == "file":
        Path("run", name).write_text("ten years of work")
    else:
        target = home / "elsewhere"
        Path("run", name).symlink_to(target if kind == "dangling link" else fill(target))
    message = refused(home, capsys, "m.yaml", "--run-folder", "run")
    assert message.startswith(f"lgsid: error: run/{name}: was not made by a run of lgsid, so nothing was touched")


@pytest.mark.parametrize("name", ["..", ".", "a/../..", "/tmp/x", "a/b", "a\\b", ".hidden", "", " ", "a\nb"])
def test_a_name_is_the_name_of_one_folder(home, capsys, name):
    fill("data")
    write_pipeline("m.yaml", name)
    assert "m.yaml: name: " in refused(home.parents[1], capsys, "m.yaml")
    suite = yaml.safe_load((Path(__file__).parents[3] / "benchmarks" / "suites" / "smoke.yaml").read_text())
    Path("suite.yaml").write_text(yaml.safe_dump({**suite, "name": name}))
    with pytest.raises(LgsidError, match=r"suite.yaml: name: .*name"):
        Suite.read("suite.yaml")


def test_a_config_inside_the_folder_of_a_stage(home, capsys):
    write_json("run/run.json", MADE_BY)
    write_json("run/data/stage.json", MADE_BY)
    write_pipeline("run/data/m.yaml")
    assert "lies in run/data, which the run replaces" in refused(home, capsys, "run/data/m.yaml", "--run-folder", "run")


def test_a_run_folder_that_is_a_file(home, capsys):
    assert "m.yaml: is a file" in refused(home, capsys, "m.yaml", "--run-folder", "m.yaml")


def test_what_can_be_a_run_folder(home):
    fill("full")
    Path("empty").mkdir()
    Path("locked").mkdir()
    Path("locked/.lock").touch()
    Path("locked/.run.json.123.partial").write_text("{")
    write_json("marked/run.json", {"pipeline": "x", **MADE_BY})
    write_json("older/data/stage.json", OLD_RECORD)
    write_json("other/run.json", {"of": "a user"})
    write_json("others/data/stage.json", {"of": "a user"})
    found = {name: is_run_folder(Path(name)) for name in ("gone", "empty", "locked", "marked", "older")}
    assert all(found.values()), found
    assert not any(is_run_folder(Path(name)) for name in (".", "full", "other", "others"))


def test_a_run_carries_on_in_a_folder_that_an_older_version_made(home):
    write_json("run/data/stage.json", OLD_RECORD)
    write_json("run/data/theirs.json", 1)
    write_json("run/more.old/stage.json", OLD_RECORD)
    assert Pipeline.read("m.yaml", "run").run_folder == Path("run")
    recover(Path("run/data"))
    recover(Path("run/more"))
    assert Path("run/more/stage.json").is_file()
    new = new_partial(Path("run/data"))
    (new / "ours.json").write_text("2")
    replace_folder(new, Path("run/data"))
    assert sorted(p.name for p in Path("run").iterdir()) == ["data", "more"]
    assert sorted(p.name for p in Path("run/data").iterdir()) == ["ours.json", "stage.json"]


@pytest.mark.parametrize("suffix", ["", ".old", ".partial"])
def test_no_function_touches_what_no_run_made(home, suffix):
    fill(f"run/data{suffix}")
    write_json("run/ours/stage.json", MADE_BY)
    before = tree(home)
    for call in (
        lambda: recover(Path("run/data")),
        lambda: new_partial(Path("run/data")),
        lambda: replace_folder(Path("run/ours"), Path("run/data")),
        lambda: remove(Path(f"run/data{suffix}")),
    ):
        with pytest.raises(LgsidError, match="was not made by a run"):
            call()
        assert tree(home) == before


def test_links_are_read_and_never_followed_when_removing(home):
    theirs = fill("elsewhere")
    write_json("real/stage.json", MADE_BY)
    Path("run").mkdir()
    Path("run/data").symlink_to(home / "real")
    recover(Path("run/data"))
    with pytest.raises(LgsidError, match="is a symbolic link"):
        new_partial(Path("run/data"))
    with pytest.raises(LgsidError):
        remove(Path("run/data"))
    assert Path("real/stage.json").is_file()
    write_json("run/more/stage.json", MADE_BY)
    Path("run/more/linked").symlink_to(theirs)
    remove(Path("run/more"))
    assert not Path("run/more").exists()
    assert tree(theirs) == {"theses.txt": b"ten years of work"}


def test_a_stage_whose_record_is_damaged_is_still_a_runs_own(home):
    Path("run/data").mkdir(parents=True)
    Path("run/run.json").write_text("{")
    Path("run/data/stage.json").write_text('{"made_by": "lgsid ruN"')
    assert not is_run_folder(Path("run"))
    write_json("run/data/provenance.json", {"stage": "data", "pipeline": "mine", "lgsid": "0.1.0"})
    assert is_run_folder(Path("run"))
    recover(Path("run/data"))
    new = new_partial(Path("run/data"))
    replace_folder(new, Path("run/data"))
    assert json.loads(Path("run/data/stage.json").read_text()) == MADE_BY


def test_a_command_works_in_a_folder_alone_and_makes_none_for_nothing(home):
    folder = Path("deep/run")
    with working_in(folder):
        with pytest.raises(LgsidError, match=rf"deep/run: process {os.getpid()} \(since .*works here; wait"):
            working_in(folder).__enter__()
        assert folder.is_dir()
    assert not Path("deep").exists()
    with working_in(folder):
        (folder / "result").write_text("1")
    assert [p.name for p in folder.iterdir()] == ["result"]


def test_a_command_and_a_pipeline_do_not_work_on_one_stage(home):
    write_json("run/run.json", MADE_BY)
    write_json("run/data/stage.json", MADE_BY)
    write_json("suite/data.1/stage.json", MADE_BY)
    with locked(Path("run/.lock"), Path("run")), pytest.raises(LgsidError, match="run/data: process"):
        working_in(Path("run/data")).__enter__()
    with working_in(Path("run/data")), pytest.raises(SystemExit):
        main(["run", "m.yaml", "--run-folder", "run"])
    with try_lock(result_lock(Path("suite/data.1"))), pytest.raises(LgsidError, match=r"suite/data.1: process"):
        working_in(Path("suite/data.1")).__enter__()
