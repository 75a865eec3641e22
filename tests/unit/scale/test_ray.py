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
from lgsid.scale import LocalExecutor, RayExecutor
from lgsid.scale.parts_run import run_parts
from lgsid.scale.sample_step import SampleStep
from lgsid.scale.task import tasks_of

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow


def contents(folder):
    """The bytes of all parts below a folder, by their names."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}
    assert found
    return found


class FatefulStep(SampleStep):
    """Samples, slowly; the first worker that comes to a part of the name `fatal` dies in the middle of it."""

    def __init__(self, marks="", fatal="", wait_s=0.0):
        super().__init__(0.5)
        self.marks, self.fatal, self.wait_s = marks, fatal, wait_s

    def make(self, task, target):
        mark = Path(self.marks) / task.name
        if task.name == self.fatal and not mark.exists():
            mark.write_text(str(os.getpid()))
            target.write_bytes(b"half of a part")
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.wait_s)
        return super().make(task, target)


@pytest.fixture
def expected(desk, tmp_path):
    """What one process makes."""
    run_parts(FatefulStep(), tasks_of(desk / "embed"), tmp_path / "expected", LocalExecutor())
    return contents(tmp_path / "expected")


@pytest.fixture(scope="module")
def session():
    """A Ray of two workers on this machine; gives its address."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_TOKEN", os.urandom(16).hex())
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        terminate = signal.getsignal(signal.SIGTERM)  # Ray takes it for itself
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
        signal.signal(signal.SIGTERM, terminate)


def test_two_workers_write_what_one_process_writes(session, desk, tokenizer_of, monkeypatch, tmp_path):
    from lgsid.quantizers import RQKMeans
    from lgsid.scale import catalogue, tokenize_catalogue
    from lgsid.tokenizers import HierTokenizer

    checkpoint = tokenizer_of("ray", HierTokenizer((8, 8, 100), RQKMeans()))
    monkeypatch.setattr(catalogue, "PLACES_OF_A_RANGE", 800)
    tokenize_catalogue(desk / "embed", checkpoint, tmp_path / "local", LocalExecutor())
    tokenize_catalogue(desk / "embed", checkpoint, tmp_path / "ray", RayExecutor(2))
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    manifests = [(tmp_path / name / "manifest.json").read_bytes() for name in ("ray", "local")]
    assert manifests[0] == manifests[1]


def test_another_worker_makes_the_part_of_one_that_was_killed(session, desk, expected, tmp_path):
    marks, folder = tmp_path / "marks", tmp_path / "rows"
    marks.mkdir()
    records = run_parts(FatefulStep(str(marks), "part-00002"), tasks_of(desk / "embed"), folder, RayExecutor(2))
    assert int((marks / "part-00002").read_text()) != os.getpid()
    assert [record.name for record in records] == [f"part-{part:05d}" for part in range(4)]
    assert contents(folder) == expected


def test_a_killed_driver_goes_on_to_the_same_bytes(session, desk, expected, tmp_path):
    folder = tmp_path / "rows"
    code = (
        "import sys, ray, test_ray\n"
        "ray.cloudpickle.register_pickle_by_value(test_ray)\n"
        "tasks = test_ray.tasks_of(sys.argv[1])\n"
        "test_ray.run_parts(test_ray.FatefulStep(wait_s=3.0), tasks, sys.argv[2], test_ray.RayExecutor(1))\n"
    )
    words = [sys.executable, "-c", code, str(desk / "embed"), str(folder)]
    driver = subprocess.Popen(words, env={**os.environ, "RAY_ADDRESS": session})
    deadline = time.monotonic() + 240
    while not list(folder.glob("*.parquet")) and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    assert 1 <= len(list(folder.glob("*.parquet"))) < 4
    run_parts(FatefulStep(), tasks_of(desk / "embed"), folder, RayExecutor(2))
    assert contents(folder) == expected


def test_what_a_worker_refuses_is_one_line(session, tmp_path):
    (tmp_path / "places").mkdir()
    (tmp_path / "places" / "part-00000.parquet").write_bytes(b"no table")
    with pytest.raises(LgsidError, match="not a readable Parquet file") as error:
        run_parts(SampleStep(0.5), tasks_of(tmp_path / "places"), tmp_path / "rows", RayExecutor(1))
    assert "\n" not in str(error.value)


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(LgsidError, match=r"pip install lgsid\[scale\]"):
        RayExecutor(2)
