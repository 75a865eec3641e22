"""Entry points are the registry, for lgsid's own classes as for everybody's."""

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lgsid import plugins
from lgsid.errors import LgsidError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a fake distribution with the given entry points and module."""

    def install(entries, source="", name="acme-places", version="3.2"):
        folder = tmp_path / name
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        groups = {}
        for kind, line in entries:
            groups.setdefault(kind, []).append(line)
        text = "".join(f"[lgsid.{kind}]\n" + "\n".join(lines) + "\n" for kind, lines in groups.items())
        (info / "entry_points.txt").write_text(text)
        (folder / f"{name.replace('-', '_')}.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(folder))
        importlib.invalidate_caches()
        plugins.load.cache_clear()
        plugins.load_kind.cache_clear()

    yield install
    plugins.load.cache_clear()
    plugins.load_kind.cache_clear()


QUANTIZER = """
    from lgsid.quantizers import RQKMeans

    class AcmeQuantizer(RQKMeans):
        "A quantizer of another package."

    class RQVAE(RQKMeans):
        "A rival for the name."
"""


@pytest.mark.parametrize("plugin", plugins.available(), ids=lambda p: f"{p.kind}-{p.name}")
def test_every_entry_point_loads(plugin):
    value = plugins.resolve(plugin)
    assert getattr(value, "__name__", plugin.name) == plugin.name


def test_every_kind_has_an_entry_point():
    assert {p.kind for p in plugins.available()} == set(plugins.kinds())


def test_other_packages_are_found(installed):
    installed([("quantizers", "AcmeQuantizer = acme_places:AcmeQuantizer")], QUANTIZER)
    found = {p.name: p for p in plugins.available("quantizers")}
    assert (found["AcmeQuantizer"].distribution, found["AcmeQuantizer"].version) == ("acme-places", "3.2")
    assert plugins.load()["quantizers"]["AcmeQuantizer"].__module__ == "acme_places"


def test_the_variable_chooses_distributions(installed, monkeypatch):
    installed([("quantizers", "AcmeQuantizer = acme_places:AcmeQuantizer")], QUANTIZER)
    for value, expected in (("", "disabled"), ("ACME_places", "listed"), ("other", "disabled")):
        monkeypatch.setenv(plugins.VARIABLE, value)
        states = {p.name: p.state for p in plugins.available("quantizers")}
        assert states["AcmeQuantizer"] == expected
        assert states["RQKMeans"] == "listed"


@pytest.mark.parametrize(
    ("entry", "source", "message"),
    [
        ("Gone = acme_places:Gone", "", "cannot be imported"),
        ("Bad = acme_places:Bad", "raise RuntimeError('no licence')", "no licence"),
        ("Bad = acme_places:Bad", "class Bad: pass", "not a subclass"),
        ("Short = acme_places:AcmeQuantizer", QUANTIZER, "must be, too"),
    ],
)
def test_a_broken_plugin_is_a_warning_with_its_name(installed, caplog, entry, source, message):
    installed([("quantizers", entry)], source)
    loaded = plugins.load()
    assert entry.partition(" ")[0] not in loaded["quantizers"]
    assert "RQKMeans" in loaded["quantizers"]
    assert "acme-places 3.2" in caplog.text
    assert message in caplog.text
    sys.modules.pop("acme_places", None)


def test_two_classes_of_one_name_are_refused(installed, caplog):
    installed([("quantizers", "RQVAE = acme_places:RQVAE")], QUANTIZER)
    states = [p.state for p in plugins.available("quantizers") if p.name == "RQVAE"]
    assert states == ["duplicate", "duplicate"]
    assert "RQVAE" not in plugins.load()["quantizers"]
    assert "more than once" in caplog.text
    sys.modules.pop("acme_places", None)


def test_unknown_kind():
    with pytest.raises(LgsidError, match="did you mean quantizers"):
        plugins.available("quantiser")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["plugins"]])
def test_light_commands_do_not_import_torch(arguments):
    code = (
        "import sys\nfrom lgsid.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as e:\n    assert not e.code\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_plugins_table_names_the_package(capsys):
    from lgsid.cli import main

    main(["plugins", "geo_encoders"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "package", "version", "state"]
    assert lines[1] == "geo_encoders"
    assert ["FourierGeoEncoder", "lgsid"] in [line.split()[:2] for line in lines[2:]]
    assert all(line.startswith("  ") for line in lines[2:])


def test_the_whole_table_has_a_line_for_each_kind_above_its_classes(capsys):
    from lgsid.cli import main

    main(["plugins"])
    kinds, kind = {}, ""
    for line in capsys.readouterr().out.splitlines()[1:]:
        if line.startswith("  "):
            kinds[kind].append(line.split()[0])
        else:
            kind = line
            kinds[kind] = []
    found = plugins.available()
    assert list(kinds) == list(dict.fromkeys(p.kind for p in found))
    assert kinds == {kind: [p.name for p in found if p.kind == kind] for kind in kinds}


def test_configs_are_listed_and_copied(tmp_path, capsys):
    from lgsid.cli import main

    main(["configs"])
    assert "pipelines/demo.yaml" in capsys.readouterr().out.splitlines()
    main(["configs", "--copy", str(tmp_path / "mine")])
    assert Path(tmp_path, "mine", "pipelines", "demo.yaml").is_file()
    with pytest.raises(SystemExit) as stop:
        main(["configs", "--copy", str(tmp_path / "mine")])
    assert stop.value.code == 2
