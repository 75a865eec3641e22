"""Every kind has a template; what is written of it installs, is listed, passes its tests and `lgsid plugins check`."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import hatchling.build
import pytest

import lgsid.testing
from lgsid import plugins
from lgsid.plugin_packages.new_package import SHARED, TEMPLATES, Words, write_package

OWN_KINDS = [kind for kind, base in plugins.kinds().items() if base.startswith("lgsid.")]
RUN = """
import json, sys
from dataclasses import replace
import pytest
from pathlib import Path
from lgsid import plugins
from lgsid.config.config_files import read_config
from lgsid.datasets import builder_from_config
from lgsid.pipeline.parse_only import parse_training
from lgsid.plugin_packages.contract_run import check_package
folder, packages = sys.argv[1], sys.argv[2:]
results = {}

class Collect:
    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.failed:
            kind = report.nodeid.split("::")[0].split("/")[-3]
            results.setdefault(kind, []).append([report.nodeid, report.outcome, str(report.longrepr)[-1500:]])

options = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-W", "ignore", "--rootdir", folder, folder]
pytest.main(options, plugins=[Collect()])
listed = [[p.kind, p.name, p.distribution, p.state] for p in plugins.available()]
plugins.check = lambda found: [replace(plugin, state=plugins.IMPORTABLE) for plugin in found]  # no process for each
checked = {name: [[o.passed, o.failures] for o in check_package(name)] for name in packages}
for path in Path(folder).glob("*/src/*/configs/*.yaml"):
    content = read_config(path)
    if "model" in content:
        parse_training(["fit", "--config", str(path), "--data.init_args.dataset=x"])
    elif "source" in content:
        builder_from_config(content).build()
print("\\n" + json.dumps({"tests": results, "listed": listed, "checked": checked}))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A package of every kind, as `lgsid plugins new` writes it, installed into a folder of its own."""
    root, site = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("site")
    before = Path.cwd()
    for kind in OWN_KINDS:
        folder = root / kind
        write_package(kind, name_of(kind), folder)
        os.chdir(folder)
        try:
            wheel = hatchling.build.build_wheel(str(root))
        finally:
            os.chdir(before)
        with zipfile.ZipFile(root / wheel) as archive:
            archive.extractall(site)
    return root, site


@pytest.fixture(scope="module")
def outcome(written):
    """What the tests of all packages, `lgsid plugins` and `lgsid plugins check` say."""
    root, site = written
    packages = [Words(kind, name_of(kind)).distribution for kind in OWN_KINDS]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])}
    command = [sys.executable, "-c", RUN, str(root), *packages]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def name_of(kind):
    return "Tried" + kind.title().replace("_", "")


def test_every_kind_has_a_template_and_a_contract():
    from lgsid.entry_points import entries_on

    contracts = {e.name for e in entries_on(tuple(sys.path)).groups[plugins.CONTRACTS_GROUP]}
    assert set(OWN_KINDS) == {path.name for path in TEMPLATES.iterdir()} - {SHARED}
    assert set(OWN_KINDS) <= contracts


def test_the_page_lists_every_kind_and_every_contract():
    text = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
    for kind in OWN_KINDS:
        assert f"| `{kind}` |" in text, kind
    for name in vars(lgsid.testing):
        if name.endswith("Contract") and name != "ModuleContract":
            assert f"`{name}`" in text, name


@pytest.mark.slow
@pytest.mark.parametrize("kind", OWN_KINDS)
def test_what_is_written_works(outcome, kind):
    distribution = Words(kind, name_of(kind)).distribution
    results = outcome["tests"][kind]
    assert len(results) > 2
    assert not [result for result in results if result[1] != "passed"]
    listed = [
        state for k, n, d, state in outcome["listed"] if (k, d) == (kind, distribution) and n.lower()[:5] == "tried"
    ]
    assert listed == ["listed"]
    [[passed, failures]] = outcome["checked"][distribution]
    assert not failures
    assert passed > 2
