"""What lgsid registers, and what is done with packages that offer something odd."""

import importlib
import inspect
import sys
import textwrap
from pathlib import Path

import pytest

from lgsid import plugins
from lgsid.geo import GeoEncoder
from lgsid.trust import own_packages

GOOD = """
import torch
from lgsid.geo import GeoEncoder

class {name}(GeoEncoder):
    @property
    def dim(self):
        return 1

    def forward(self, lat_deg, lon_deg):
        return torch.zeros(*lat_deg.shape, 1)
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delenv("LGSID_PLUGINS", raising=False)
    plugins.load.cache_clear()
    plugins.load_kind.cache_clear()
    yield
    plugins.load.cache_clear()
    plugins.load_kind.cache_clear()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package of one module with entry points, for one test."""
    made = []

    def make(distribution, version, entries, source, group="lgsid.geo_encoders"):
        module = distribution.replace("-", "_")
        site = tmp_path / module
        info = site / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        (site / f"{module}.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(site))
        made.append(module)
        importlib.invalidate_caches()
        return module

    yield make
    for module in made:
        sys.modules.pop(module, None)


def test_own_classes_all_load(caplog):
    loaded = plugins.load()
    own = [p for p in plugins.available() if p.distribution == "lgsid"]
    assert own
    for plugin in own:
        assert getattr(loaded[plugin.kind][plugin.name], "__name__", plugin.name) == plugin.name
    assert not caplog.records


def test_every_concrete_class_of_a_kind_is_registered():
    """Built-ins have no privilege: what lgsid has, it registers."""
    loaded = plugins.load()
    registered = {value for found in loaded.values() for value in found.values()}
    for kind in plugins.kinds():
        for found in plugins.subclasses(plugins.base_of(kind)).values():
            for cls in found:
                if cls.__module__.startswith("lgsid.") and not cls.__module__.startswith("lgsid.testing"):
                    assert cls in registered, f"{cls.__qualname__} is no entry point of lgsid.{kind}"


def test_registry_is_read_only():
    with pytest.raises(TypeError):
        plugins.load()["quantizers"] = {}
    with pytest.raises(TypeError):
        plugins.load()["quantizers"]["Mine"] = object


def test_a_plugin_is_listed_and_loaded(install):
    module = install("fine-plugin", "1.2", {"Fine": "fine_plugin:Fine"}, GOOD.format(name="Fine"))
    listed = {p.name: p for p in plugins.available("geo_encoders")}
    assert (listed["Fine"].distribution, listed["Fine"].version, listed["Fine"].state) == (
        "fine-plugin",
        "1.2",
        "listed",
    )
    assert module not in sys.modules  # listing imports nothing
    assert issubclass(plugins.load()["geo_encoders"]["Fine"], GeoEncoder)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no such device')", "RuntimeError: no such device"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("class Odd: pass", "not a subclass"),
        (GOOD.format(name="Even") + "\nOdd = Even", "is called Even"),
        ("from lgsid.geo import GeoEncoder\nclass Odd(GeoEncoder): pass", "abstract"),
        ("x = 1", "AttributeError"),
        (
            "class M(type):\n    def __getattribute__(c, n): raise RuntimeError(n)\nclass Odd(metaclass=M): pass",
            "cannot be looked at (RuntimeError",
        ),
    ],
)
def test_a_broken_plugin_is_a_warning_with_its_origin(install, caplog, source, reason):
    install("odd-plugin", "0.3", {"Odd": "odd_plugin:Odd"}, source)
    loaded = plugins.load()
    assert "Odd" not in loaded["geo_encoders"]
    assert "FourierGeoEncoder" in loaded["geo_encoders"]
    [record] = caplog.records
    assert "odd-plugin 0.3" in record.getMessage()
    assert reason in record.getMessage()


def test_a_package_that_calls_itself_lgsid_hides_nothing(tmp_path, monkeypatch):
    info = tmp_path / "acme-99.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lgsid\nVersion: 99\n")
    (info / "entry_points.txt").write_text("[lgsid.geo_encoders]\nFine = acme:Fine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "FourierGeoEncoder" in plugins.load()["geo_encoders"]
    assert "99" not in {plugin.version for plugin in plugins.available()}


@pytest.mark.parametrize("value", ["", "os:system", "../x:y"])
def test_an_entry_point_of_no_package_of_its_own_is_no_part_of_models(install, value):
    install("odd-plugin", "1", {"system": value}, "")
    assert own_packages() & {"", "os", "../x"} == set()


def test_a_missing_module_shows_without_importing(install):
    install("lost-plugin", "1", {"Lost": "nowhere_at_all.inner:Lost"}, "")
    listed = {p.name: p for p in plugins.available("geo_encoders")}
    assert listed["Lost"].state.startswith("broken")


def test_the_variable_with_a_misspelt_name_warns(monkeypatch, caplog):
    monkeypatch.setenv("LGSID_PLUGINS", "lgsid-h33")
    plugins.load()
    assert "'lgsid-h33', which is not installed" in caplog.text


def test_suggestion_names_the_closest_and_the_known():
    text = plugins.suggestion("RQKmean", ["RQVAE", "RQKMeans", "ResidualFSQ"])
    assert text == "did you mean RQKMeans? known: RQKMeans, RQVAE, ResidualFSQ"
    assert plugins.suggestion("zzz", []) == "known: none"


def test_kinds_have_importable_bases():
    for kind in plugins.kinds():
        assert inspect.isclass(plugins.base_of(kind))


def test_groups_in_pyproject_are_the_kinds():
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    groups = [line.split('"')[1] for line in text.splitlines() if line.startswith("[project.entry-points.")]
    own = [kind for kind, base in plugins.kinds().items() if base.startswith("lgsid.")]
    assert sorted(groups) == sorted(f"lgsid.{kind}" for kind in ("kinds", "contracts", *own))


def asks_for(module, requirement):
    """Let an installed test package ask for a version."""
    [metadata] = Path(sys.path[0]).glob("*.dist-info/METADATA")
    assert metadata.parent.name.startswith(module)
    metadata.write_text(metadata.read_text() + f"Requires-Dist: {requirement}\n")


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("lgsid<0.0.1", "for lgsid <0.0.1"),
        ("LGSID>=99,<100", "for lgsid <100,>=99"),
        ("lgsid>=0.0.1", "listed"),
        ("lgsid<0.0.1; extra == 'old'", "listed"),
        ("numpy<0", "listed"),
        ("no requirement at all ===", "listed"),
    ],
)
def test_a_plugin_for_another_version_is_left_out_in_one_line(install, caplog, requirement, state):
    asks_for(install("dated-plugin", "1.2", {"Fine": "dated_plugin:Fine"}, GOOD.format(name="Fine")), requirement)
    listed = {p.name: p for p in plugins.available("geo_encoders")}
    assert listed["Fine"].state == state
    assert ("Fine" in plugins.load()["geo_encoders"]) == (state == "listed")
    said = [record.getMessage() for record in caplog.records if "dated-plugin" in record.getMessage()]
    assert len(said) == (state != "listed")
    assert all(f"it is {state}, this is" in line for line in said)


def test_another_version_is_no_rival_for_a_name(install):
    asks_for(install("dated-plugin", "1", {"FourierGeoEncoder": "dated_plugin:FourierGeoEncoder"}, ""), "lgsid<0.0.1")
    assert "FourierGeoEncoder" in plugins.load()["geo_encoders"]


def test_a_text_says_which_packages_its_classes_are_of(install):
    install("fine-plugin", "1.2", {"Fine": "fine_plugin:Fine"}, GOOD.format(name="Fine"))
    assert plugins.packages_named_in("class_path: fine_plugin.Fine") == ["fine-plugin 1.2"]
    assert plugins.packages_named_in("class_path: my.fine_plugin.Fine\nother: unfine_plugin.Fine") == []


def test_what_a_removed_plugin_had_made_says_what_to_install(install):
    from lgsid.construction import describe, rebuild
    from lgsid.errors import LgsidError
    from lgsid.pipeline.parser_errors import explain

    install("fine-plugin", "1.2", {"Fine": "fine_plugin:Fine"}, GOOD.format(name="Fine"))
    described = describe(plugins.load()["geo_encoders"]["Fine"]())
    sys.path.pop(0)  # it is uninstalled
    sys.modules.pop("fine_plugin")
    with pytest.raises(LgsidError, match=r"install fine-plugin 1\.2"):
        rebuild(described)
    said = explain("Importing 'fine_plugin.Fine' is not allowed")
    assert "no package with fine_plugin is installed" in said
    assert "\n" not in said
