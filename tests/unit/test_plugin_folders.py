"""Configs and suites that a plugin brings in its package are found by name, and lgsid's own come first."""

import importlib

import pytest
import yaml

from lgsid import plugins
from lgsid.benchmark.cell import cells_of
from lgsid.benchmark.definition import definitions
from lgsid.benchmark.entry_check import read_suites
from lgsid.benchmark.suite import Suite, find_suite, installed_suites, own_suites
from lgsid.commands.show_configs import configs
from lgsid.config.config_files import config_root, find_config, own_configs, plugin_configs, read_config
from lgsid.errors import LgsidError
from lgsid.plugin_folders import plugin_folders

ROW = {
    "extends": "smoke",
    "stages": {"mine": {"like": "rqkmeans_text"}, "tiger_mine": {"like": "tiger_hier", "set": {"model.k_max": 3}}},
    "methods": {"mine": {"stage": "tiger_mine"}},
}


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """Install a package that cannot be imported, with an entry point and files."""
    monkeypatch.setenv(plugins.VARIABLE, "acme-maps,other-maps")  # none of what is installed

    def offer(name, files):
        package = tmp_path / name / name.replace("-", "_")
        info = tmp_path / name / f"{package.name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[lgsid.quantizers]\nMine = {package.name}.deep.module:Mine\n")
        package.mkdir()
        (package / "__init__.py").write_text("raise RuntimeError('imported')")
        for file, content in files.items():
            (package / file).parent.mkdir(parents=True, exist_ok=True)
            (package / file).write_text(yaml.safe_dump(content))
        monkeypatch.syspath_prepend(str(tmp_path / name))
        importlib.invalidate_caches()
        return package

    return offer


def test_configs_of_a_plugin_are_found_by_name(offer, monkeypatch):
    base = {"extends": "../tokenizer/residual_rqkmeans.yaml", "seed_everything": 5}
    demo = {"name": "not the demo"}
    package = offer("acme-maps", {"configs/tokenizer/acme.yaml": base, "configs/pipelines/demo.yaml": demo})
    assert plugin_folders("configs")["acme-maps"] == package / "configs"
    for name in ("tokenizer/acme.yaml", "configs/tokenizer/acme.yaml", "../../configs/tokenizer/acme.yaml"):
        assert find_config(name) == package / "configs/tokenizer/acme.yaml"
    expected = read_config(config_root() / "tokenizer/residual_rqkmeans.yaml") | {"seed_everything": 5}
    assert read_config(find_config("tokenizer/acme.yaml")) == expected
    assert find_config("pipelines/demo.yaml") == config_root() / "pipelines/demo.yaml"
    assert plugin_configs()["tokenizer/acme.yaml"] == "acme-maps"
    assert "tokenizer/acme.yaml  (acme-maps)" in configs().splitlines()
    with pytest.raises(LgsidError, match=r"did you mean tokenizer/acme\.yaml"):
        find_config("tokenizer/acmee.yaml")
    monkeypatch.setenv(plugins.VARIABLE, "")
    assert not plugin_configs()
    assert configs().splitlines() == own_configs()
    with pytest.raises(LgsidError, match="no such config file"):
        find_config("tokenizer/acme.yaml")


def test_a_name_of_two_plugins_is_refused(offer):
    for name in ("acme-maps", "other-maps"):
        package = offer(name, {"configs/tokenizer/acme.yaml": {}, "suites/acme.yaml": ROW})
    for find in (lambda: find_config("tokenizer/acme.yaml"), lambda: find_suite("acme")):
        with pytest.raises(LgsidError, match="is offered by acme-maps and by other-maps"):
            find()
    assert find_config(package / "configs/tokenizer/acme.yaml") == package / "configs/tokenizer/acme.yaml"


def test_a_plugin_brings_a_row_beside_those_of_a_suite(offer, tmp_path):
    package = offer("acme-maps", {"suites/smoke_acme.yaml": ROW})
    smoke, suite = Suite.read("smoke"), Suite.read("smoke_acme")
    assert (suite.name, suite.source) == ("smoke_acme", package / "suites/smoke_acme.yaml")
    assert set(suite.methods) == {*smoke.methods, "mine"}
    shared, own = smoke.pipeline(smoke.datasets[0], 2, tmp_path), suite.pipeline(suite.datasets[0], 2, tmp_path)
    assert definitions(shared).items() <= definitions(own).items()
    assert shared.places.items() <= own.places.items()  # so that nothing of the other suite runs twice
    assert own.stages["tiger_mine"].options["trainer.max_epochs"] == 1
    assert len(list(cells_of(suite, tmp_path))) == len(list(cells_of(smoke, tmp_path))) + len(suite.seeds)
    assert set(installed_suites()) == {path.stem for path in own_suites()} | {"smoke_acme"}
    assert set(read_suites([], tmp_path)) == set(installed_suites())


def test_a_wrong_suite_of_a_plugin_is_a_warning(offer, caplog):
    offer("acme-maps", {"suites/wrong.yaml": {"task": "nothing"}, "suites/rival.yaml": {**ROW, "name": "smoke"}})
    assert set(installed_suites()) == {path.stem for path in own_suites()}
    assert "wrong.yaml" in caplog.text
    assert "smoke is a suite of" in caplog.text
    with pytest.raises(LgsidError, match=r"wrong\.yaml"):
        Suite.read("wrong")


def test_a_suite_extends_one_beside_it_with_its_own_paths(tmp_path):
    below = yaml.safe_load(find_suite("smoke").read_text(encoding="utf-8"))
    city = read_config(config_root() / "data/synthetic_city.yaml")
    below["datasets"][0]["config"] = "city.yaml"
    (tmp_path / "base").mkdir()
    (tmp_path / "base/base.yaml").write_text(yaml.safe_dump(below))
    (tmp_path / "base/city.yaml").write_text(yaml.safe_dump(city))
    (tmp_path / "over.yaml").write_text(yaml.safe_dump({**ROW, "extends": "base/base.yaml"}))
    suite = Suite.read(tmp_path / "over.yaml")
    assert suite.datasets[0].config == tmp_path / "base/city.yaml"
    assert suite.title == suite.name == "over"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"extends": "smokes"}, r"over\.yaml: extends: smokes: no such suite; did you mean smoke\?"),
        ({"extends": ["smoke"]}, "extends: expected the name of one suite"),
        ({"extends": "over.yaml"}, r"suites extend each other: over\.yaml -> over\.yaml"),
        ({"extends": "wrong.yaml"}, r"over\.yaml: extends: .*wrong\.yaml: unknown key 'tasks'; did you mean task\?"),
        ({"extends": "smoke", "tasks": "x"}, r"over\.yaml: unknown key 'tasks'; did you mean task\?"),
    ],
)
def test_refused(tmp_path, content, message):
    (tmp_path / "over.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump({"tasks": "next_place"}))
    with pytest.raises(LgsidError, match=message):
        Suite.read(tmp_path / "over.yaml")
