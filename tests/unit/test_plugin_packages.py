"""Writing a package and checking an installed one: what is refused, and what is said of a part that breaks its kind."""

import importlib
import sys
import textwrap
from dataclasses import replace

import pytest

from lgsid import plugins
from lgsid.cli import main
from lgsid.errors import LgsidError
from lgsid.plugin_packages.contract_run import check_package
from lgsid.plugin_packages.new_package import Words, compatible, write_package

GOOD = """
from lgsid.recommenders import DistanceFeatures
import torch

class Steps(DistanceFeatures):
    dim = 2

    def __init__(self{arguments}):
        super().__init__()

    def forward(self, km):
        known = ~km.isnan()
        return torch.stack([{value}, known.float()], dim=-1)
"""
VALUE = "km.nan_to_num(0.0).add(1).log().float()"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package of one module with one part, for one test."""
    monkeypatch.delenv("LGSID_PLUGINS", raising=False)

    def make(source, *more):
        info = tmp_path / "site" / "odd_parts-0.3.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-parts\nVersion: 0.3\n")
        lines = ["[lgsid.distance_features]", "Steps = odd_parts:Steps", *more, ""]
        (info / "entry_points.txt").write_text("\n".join(lines))
        (info.parent / "odd_parts.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(info.parent))
        importlib.invalidate_caches()

    yield make
    sys.modules.pop("odd_parts", None)


@pytest.fixture
def in_process(monkeypatch):
    """Take every import as tried, which takes a process and seconds."""
    monkeypatch.setattr(
        plugins,
        "check",
        lambda found: [replace(p, state=plugins.IMPORTABLE) if p.state == "listed" else p for p in found],
    )


def test_names():
    words = Words("quantizers", "RQNightLife2D")
    assert (words.module, words.distribution) == ("rq_night_life2_d", "lgsid-rq-night-life2-d")
    assert words.put_into("PartName part_name part-name part_package part_kind") == (
        "RQNightLife2D rq_night_life2_d rq-night-life2-d lgsid_rq_night_life2_d quantizers"
    )


@pytest.mark.parametrize(
    ("version", "bounds"), [("0.1.0", ">=0.1,<0.2"), ("0.12.3.dev1", ">=0.12,<0.13"), ("2.3.1", ">=2.3,<3")]
)
def test_bounds_on_the_version(version, bounds):
    assert compatible(version) == bounds


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("quantiser", "Mine", "did you mean quantizers"),
        ("package", "Mine", "unknown kind"),
        ("quantizers", "mine", "begin with a capital letter"),
        ("quantizers", "My-Part", "no name of a class"),
        ("quantizers", "../Mine", "no name of a class"),
        ("quantizers", "None", "no name of a class"),
        ("quantizers", "Json", "word of Python"),
        ("quantizers", "RQVAE", "lgsid .* offers quantizers of this name"),
        ("commands", "Strip", "offers commands of this name"),
    ],
)
def test_what_is_no_kind_or_no_name_is_refused_in_one_line(tmp_path, kind, name, message):
    with pytest.raises(LgsidError, match=message) as caught:
        write_package(kind, name, tmp_path / "new")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lgsid-mine").write_text("precious")
    with pytest.raises(SystemExit) as stop:
        main(["plugins", "new", "quantizers", "Mine"])
    assert stop.value.code == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "lgsid-mine").read_text() == "precious"
    main(["plugins", "new", "quantizers", "Mine", "--folder", "elsewhere/mine"])
    assert {path.name for path in (tmp_path / "elsewhere" / "mine").iterdir()} == {
        "README.md",
        "pyproject.toml",
        "src",
        "tests",
    }
    assert not [path for path in (tmp_path / "elsewhere").iterdir() if path.name != "mine"]
    written = "".join(p.read_text() for p in (tmp_path / "elsewhere").rglob("*") if p.is_file())
    assert not [word for word in ("PartName", "part_", "part-", "lgsid_requirement") if word in written]


def test_a_sound_package_passes(install, in_process, capsys):
    install(GOOD.format(arguments="", value=VALUE))
    main(["plugins", "check", "Odd_Parts"])
    assert "distance_features Steps: 8 contract tests passed" in capsys.readouterr().out


def test_a_failure_is_told_with_what_is_asked_and_where(install, in_process, capsys):
    install(GOOD.format(arguments="", value="km.float()"))
    with pytest.raises(SystemExit) as stop:
        main(["plugins", "check", "odd-parts"])
    assert stop.value.code == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "test_distances_of_any_shape_have_dim_features" in out
    assert "finite, also where it is 0, unknown or the largest there is." in out
    assert "distance_features_contract.py:" in out


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (GOOD.format(arguments=", scale", value=VALUE), "lgsid.contracts"),
        (GOOD.format(arguments="", value=VALUE).replace("super()", "import os; os._exit(0); super()"), "exit"),
    ],
)
def test_what_cannot_be_made_is_told(install, in_process, source, message):
    install(source)
    [outcome] = check_package("odd-parts")
    assert message in outcome.failures["make"]
    assert "\n" not in outcome.failures["make"]


def test_an_import_that_ends_the_process_is_told(install):
    install("import ctypes; ctypes.CDLL(None)._exit(0)")
    [outcome] = check_package("odd-parts")
    assert "ends the process with exit code 0" in outcome.failures["import"]


def test_a_package_brings_a_contract_of_its_own(install, in_process):
    contract = """
        from lgsid.testing import DistanceFeaturesContract

        class Contract(DistanceFeaturesContract):
            def make(self):
                return Steps(3.0)
    """
    source = GOOD.format(arguments=", scale: float", value=VALUE) + textwrap.dedent(contract)
    install(source, "[lgsid.contracts]", "distance_features.Steps = odd_parts:Contract")
    [outcome] = check_package("odd-parts")
    assert (outcome.passed, outcome.failures) == (8, {})


@pytest.mark.parametrize(("name", "message"), [("nowhere", "no package 'nowhere'"), ("numpy", "no entry points")])
def test_what_is_not_installed_or_offers_nothing(name, message):
    with pytest.raises(LgsidError, match=message):
        check_package(name)


def test_a_package_that_is_left_out_is_not_tested(install, in_process, monkeypatch):
    install(GOOD.format(arguments="", value=VALUE))
    monkeypatch.setenv(plugins.VARIABLE, "")
    [outcome] = check_package("odd-parts")
    assert outcome.failures == {"import": "LGSID_PLUGINS leaves it out"}
