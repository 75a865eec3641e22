"""A dataset config works from any working directory: as a command, in a pipeline, in a suite."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from lgsid.artefacts import Dataset
from lgsid.benchmark.suite import Suite, find_suite
from lgsid.cli import main
from lgsid.commands.prepare_data import files_read
from lgsid.config.config_files import config_root
from lgsid.testing import toy_city, toy_tables


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with tables, a dataset config and a pipeline in folders of their own; we are somewhere else."""
    project = tmp_path / "project"
    toy_tables(project / "tables")
    content = yaml.safe_load((config_root() / "data/table_example.yaml").read_text(encoding="utf-8"))
    content["source"]["init_args"]["root"] = "../tables"
    write(project / "configs/city.yaml", content)
    write(
        project / "pipelines/city.yaml",
        {"name": "city", "seed": 1, "stages": {"data": {"command": "data prepare", "config": "../configs/city.yaml"}}},
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return project


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def data_hash(folder):
    return json.loads((Path(folder) / "dataset.json").read_text(encoding="utf-8"))["data_hash"]


def test_prepare_from_another_working_directory(project, capsys):
    main(["data", "prepare", str(project / "configs/city.yaml"), "--output", "out"])
    assert Dataset.read("out").interactions.frame.equals(toy_city().interactions.frame)
    assert "60 places" in capsys.readouterr().out
    relative = Path("../project/configs/city.yaml")
    main(["data", "prepare", str(relative), "--output", "again"])
    assert data_hash("out") == data_hash("again")


def test_a_root_on_the_command_line(project):
    shutil.move(project / "tables", "here")
    main(["data", "prepare", str(project / "configs/city.yaml"), "--output", "out", "--source.init_args.root=here"])
    assert data_hash("out")


def test_a_pipeline_from_another_working_directory(project):
    main(["run", str(project / "pipelines/city.yaml"), "--run-folder", "runs/city"])
    main(["data", "prepare", str(project / "configs/city.yaml"), "--output", "out"])
    assert data_hash("runs/city/data") == data_hash("out")


def test_a_changed_table_runs_the_stage_again(project, capsys):
    run = ["run", str(project / "pipelines/city.yaml"), "--run-folder", "runs/city"]
    main(run)
    capsys.readouterr()
    main([*run, "--dry-run"])
    assert "up to date" in capsys.readouterr().out
    places = project / "tables/places.csv"
    places.write_text(places.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    main([*run, "--dry-run"])
    assert "inputs changed" in capsys.readouterr().out


def test_a_suite_finds_the_tables_of_its_datasets(project):
    suite = yaml.safe_load(find_suite("smoke").read_text(encoding="utf-8"))
    suite["datasets"] = [{**suite["datasets"][0], "config": "../configs/city.yaml", "set": {}}]
    write(project / "suites/mine.yaml", suite)
    read = Suite.read("../project/suites/mine.yaml")
    stage = read.pipeline(read.datasets[0], 1, Path("runs")).stages["data"]
    files = [file for config in stage.configs for file in files_read(str(config), **stage.options)]
    assert {file.name for file in files} == {"places.csv", "checkins.csv", "areas.geojson"}
    assert all(file.is_file() for file in files)
