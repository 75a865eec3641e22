"""Where the relative paths of a dataset config start: its own folder, whatever the working directory is."""

import shutil
from pathlib import Path

import pytest
import yaml

from lgsid.commands.prepare_data import builder_of
from lgsid.datasets import builder_from_config
from lgsid.datasets.data_source import DEFAULT_ROOT, ROOT_VARIABLE
from lgsid.testing import toy_city, toy_tables

CONFIGS = Path(__file__).parents[3] / "configs" / "data"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with `configs/city.yaml` over `tables/`; the working directory is a folder beside it."""
    toy_tables(tmp_path / "project/tables")
    (tmp_path / "project/configs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    return tmp_path / "project"


def write(project, name="configs/city.yaml", **init_args):
    content = yaml.safe_load((CONFIGS / "table_example.yaml").read_text(encoding="utf-8"))
    arguments = {**content["source"]["init_args"], **init_args}
    content["source"]["init_args"] = {key: value for key, value in arguments.items() if value is not None}
    (project / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return project / name, content


def test_a_relative_root_starts_from_the_config(project):
    path, _ = write(project, root="../tables")
    dataset = builder_of(path).build()
    assert dataset.interactions.frame.equals(toy_city().interactions.frame)
    assert "region_1" in dataset.items.frame.columns


def test_a_config_named_by_a_relative_path(project):
    write(project, root="../tables")
    assert all(file.is_file() for file in builder_of("../project/configs/city.yaml").files())


def test_without_a_root_files_are_beside_the_config(project):
    path, _ = write(project, "tables/city.yaml", root=None)
    assert all(file.is_file() for file in builder_of(path).files())


@pytest.mark.parametrize("key", ["source.init_args.root", "source.root"])
def test_a_root_on_the_command_line_starts_from_the_working_directory(project, key):
    path, _ = write(project, root="nowhere")
    shutil.copytree(project / "tables", "here")
    for overrides in ({key: "here"}, [f"--{key}=here"], [f"--{key}", "here"]):
        builder = builder_of(path, overrides)
        assert builder.source.root == Path("here")
        assert all(file.is_file() for file in builder.files())


def test_another_override_leaves_the_root_of_the_config(project):
    path, _ = write(project, root="../tables")
    assert builder_of(path, ["--k_core=1"]).source.root == project / "configs/../tables"


def test_an_absolute_root_and_the_default_of_public_data_stay(project, monkeypatch):
    path, _ = write(project, root=str(project / "tables"))
    assert builder_of(path).source.root == project / "tables"
    assert builder_of(CONFIGS / "gowalla_nyc.yaml").source.root == Path(DEFAULT_ROOT)
    monkeypatch.setenv(ROOT_VARIABLE, "some/data")
    assert builder_of(CONFIGS / "gowalla_nyc.yaml").source.root == Path("some/data")


def test_files_that_begin_with_a_dot_start_from_the_config(project):
    shutil.move(project / "tables/areas.geojson", project / "configs/areas.geojson")
    shutil.move(project / "tables/places.csv", project / "places.csv")
    path, content = write(project, root="../tables", items="../places.csv")
    content["regions"][0]["layers"][0]["path"] = "./areas.geojson"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    dataset = builder_of(path).build()
    assert dataset.interactions.frame.equals(toy_city().interactions.frame)
    assert {note["why"] for note in dataset.report["notes"]} == {"places.csv", "checkins.csv"}


def test_files_on_the_command_line_that_begin_with_a_dot_start_from_the_working_directory(project):
    path, _ = write(project, root="../tables", items="gone.csv")
    shutil.copy(project / "tables/places.csv", "mine.csv")
    for overrides in (
        {"source.init_args.items": "./mine.csv"},
        ["--source.init_args.items=./mine.csv"],
        ["--source.init_args.items", "./mine.csv"],
    ):
        assert builder_of(path, overrides).build().items.frame.shape[0] == len(toy_city().items)


def test_a_content_starts_from_the_folder_that_it_is_given(project):
    _, content = write(project, root="../tables")
    assert all(file.is_file() for file in builder_from_config(content, folder=project / "configs").files())
    assert not any(file.is_file() for file in builder_from_config(content).files())
