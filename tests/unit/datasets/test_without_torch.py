"""Reading, checking and describing a dataset needs no deep-learning library."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "lightning", "transformers", "torchmetrics")
BUILD = """
from lgsid.datasets import DatasetBuilder, SyntheticCity, TemporalSplit, describe_dataset
dataset = DatasetBuilder("city", SyntheticCity(n_places=60, n_users=20, n_checkins=400), TemporalSplit()).build()
assert describe_dataset(dataset).renderables
dataset.write(sys.argv[1])
"""
CONFIG = """
from lgsid.datasets import builder_from_config
content = {
    "name": "city",
    "source": {"class_path": "SyntheticCity", "init_args": {"n_places": 60, "n_users": 20, "n_checkins": 400}},
    "split": {"class_path": "TemporalSplit"},
    "regions": None,
}
assert builder_from_config(content).build().items
"""


def modules_after(code, *arguments):
    report = f"print([name for name in {HEAVY} if name in sys.modules])"
    run = [sys.executable, "-c", f"import sys\n{code}\n{report}", *arguments]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "code",
    ["import lgsid.artefacts", "import lgsid.datasets", BUILD, CONFIG],
    ids=["artefacts", "datasets", "build", "config"],
)
@pytest.mark.slow
def test_datasets_do_not_import_torch(code, tmp_path):
    assert modules_after(code, str(tmp_path / "city")) == "[]"
