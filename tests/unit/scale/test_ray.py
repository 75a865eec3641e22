"""The same on Ray Data with two workers: the same bytes, also when a worker or the driver is killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from lgsid.errors import LgsidError
from lgsid.quantizers import RQKMeans
from lgsid.scale import LocalExecutor, RayExecutor, catalogue, neighbors_of_catalogue, tokenize_catalogue
from lgsid.scale.embed_step import EmbedStep
from lgsid.scale.encoder_config import settings_of
from lgsid.scale.parts_run import run_parts
from lgsid.scale.task import tasks_of
from lgsid.tokenizers import HierTokenizer

ray = pytest.importorskip("ray")


def contents(folder):
    """The bytes of all parts below a folder, by their names."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}
    assert found
    return found


class FatefulStep(EmbedStep):
    """Embeds, slowly; the first worker that comes to a part of `fatal` dies in the middle of it."""

    def __init__(self, settings, marks, fatal="", wait_s=0.0):
        super().__init__(settings)
        self.marks, self.fatal, self.wait_s = marks, fatal, wait_s

    def make(self, task, target):
        mark = Path(self.marks) / task.name
        if task.name == self.fatal and not mark.exists():
            mark.write_text(str(os.getpid()))
            target.write_bytes(b"half of a part")
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.wait_s)
        return super().make(task, target)


@pytest.fixture(scope="module")
def session():
    """A Ray of two workers on this machine; gives its address."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_TOKEN", os.urandom(16).hex())
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            object_store_memory=100_000_000,
            _temp_dir=folder,
        )
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        yield ray.get_runtime_context().gcs_address
        ray.shutdown()


def test_two_workers_write_what_one_process_writes(session, desk, tokenizer_of, monkeypatch, tmp_path):
    checkpoint = tokenizer_of("ray", HierTokenizer((8, 8, 100), RQKMeans()))
    monkeypatch.setattr(catalogue, "PLACES_OF_A_RANGE", 800)
    tokenize_catalogue(desk / "embed", checkpoint, tmp_path / "local", LocalExecutor())
    tokenize_catalogue(desk / "embed", checkpoint, tmp_path / "ray", RayExecutor(2))
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    manifests = [(tmp_path / name / "manifest.json").read_bytes() for name in ("ray", "local")]
    assert manifests[0] == manifests[1]
    for name, executor in (("near", LocalExecutor()), ("near_ray", RayExecutor(2))):
        neighbors_of_catalogue(desk / "places", tmp_path / name, executor, 3, 1_500)
    assert contents(tmp_path / "near_ray") == contents(tmp_path / "near")


def test_another_worker_makes_the_part_of_one_that_was_killed(session, desk, tmp_path):
    marks, folder = tmp_path / "marks", tmp_path / "embed"
    marks.mkdir()
    step = FatefulStep(settings_of(desk / "encoder.yaml"), str(marks), "part-00002")
    records = run_parts(step, tasks_of(desk / "places"), folder, RayExecutor(2))
    assert int((marks / "part-00002").read_text()) != os.getpid()
    assert [record.name for record in records] == [f"part-{part:05d}" for part in range(4)]
    assert contents(folder) == contents(desk / "embed")


def test_a_killed_driver_goes_on_to_the_same_bytes(session, desk, tmp_path):
    folder = tmp_path / "embed"
    code = (
        "import sys, test_ray\n"
        "import ray; ray.cloudpickle.register_pickle_by_value(test_ray)\n"
        "from lgsid.scale.encoder_config import settings_of\n"
        "from lgsid.scale.parts_run import run_parts\n"
        "from lgsid.scale.task import tasks_of\n"
        "places, config, folder = sys.argv[1:]\n"
        "step = test_ray.FatefulStep(settings_of(config), '', wait_s=3.0)\n"
        "run_parts(step, tasks_of(places), folder, test_ray.RayExecutor(1))\n"
    )
    words = [sys.executable, "-c", code, desk / "places", desk / "encoder.yaml", folder]
    driver = subprocess.Popen(list(map(str, words)), env={**os.environ, "RAY_ADDRESS": session})
    deadline = time.monotonic() + 120
    while not list(folder.glob("*.parquet")) and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    assert 1 <= len(list(folder.glob("*.parquet"))) < 4
    step = FatefulStep(settings_of(desk / "encoder.yaml"), "")
    run_parts(step, tasks_of(desk / "places"), folder, RayExecutor(2))
    assert contents(folder) == contents(desk / "embed")


def test_what_a_worker_refuses_is_one_line(session, desk, tmp_path):
    (tmp_path / "places").mkdir()
    (tmp_path / "places" / "part-00000.parquet").write_bytes(b"no table")
    step = EmbedStep(settings_of(desk / "encoder.yaml"))
    with pytest.raises(LgsidError, match="not a readable Parquet file") as error:
        run_parts(step, tasks_of(tmp_path / "places"), tmp_path / "embed", RayExecutor(1))
    assert "\n" not in str(error.value)


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(LgsidError, match=r"pip install lgsid\[scale\]"):
        RayExecutor(2)
