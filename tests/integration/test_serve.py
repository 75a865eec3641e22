"""`lgsid serve` as a process: batches, swaps under load with nothing lost, and its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lgsid import checkpoints
from lgsid.datamodules import SequenceData
from lgsid.recommenders.counting import NewPlaceFloor, TimeTransition
from lgsid.testing import toy_city

START_S = 120
ENV = {**os.environ, "LGSID_PLUGINS": "lgsid"}  # what other packages are there is told in words


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spawn(*words, **options):
    return subprocess.Popen([sys.executable, "-m", "lgsid", "serve", *map(str, words)], text=True, **options)


def save(model, data, folder):
    folder.mkdir()
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    checkpoints.save(model, folder / "model.ckpt")


@pytest.fixture(scope="module")
def models(toy_folder, tmp_path_factory):
    """Two models, which count only, in folders of their own."""
    folder = tmp_path_factory.mktemp("served")
    data = SequenceData(str(toy_folder))
    data.setup("fit")
    save(NewPlaceFloor(), data, folder / "floor")
    save(TimeTransition(), data, folder / "transition")
    return folder


@pytest.fixture(scope="module")
def server(models, toy_folder):
    """The address of a running server and its process."""
    port = free_port()
    named = [f"--model=a={models / 'floor'}", f"--model=b={models / 'transition'}"]
    process = spawn(
        *named, "--dataset", toy_folder, "--port", port, "--batch-wait-ms", 20, stderr=subprocess.PIPE, env=ENV
    )
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{address}/health").raise_for_status()
            break
        except httpx.TransportError:
            time.sleep(0.2)
    assert process.poll() is None, process.stderr.read()
    yield address, process
    if process.poll() is None:
        process.kill()


@pytest.mark.slow
def test_a_server_from_start_to_end(server, models, toy_folder):
    address, process = server
    with httpx.Client(base_url=address, timeout=30) as http, ThreadPoolExecutor(8) as pool:
        bodies = [{"model": name, "k": k} for name in "ab" for k in (3, 3, 3, 5)]
        alone = [http.post("/recommend", json=body).json() for body in bodies]
        together = list(pool.map(lambda body: http.post("/recommend", json=body).json(), bodies))
        assert [found["places"] for found in alone] == [found["places"] for found in together]
        sizes = http.get("/metrics").text
        assert float(re.search(r'lgsid_batch_size_bucket\{le="1\.0"\} (\S+)', sizes)[1]) < float(
            re.search(r"lgsid_batch_size_count (\S+)", sizes)[1]
        )

        asked = pool.map(lambda n: http.post("/recommend", json={"model": "a", "k": 1 + n % 3}), range(150))
        for turn in range(2):
            swap = http.post("/admin/swap", json={"model": "a", "checkpoint": str(models / "transition")})
            assert swap.status_code == 422  # which dataset?
            kept = http.get("/health").json()["models"][0]
            assert kept["revision"] == 1 + 2 * turn
            other = {"model": "a", "checkpoint": str(models / "transition"), "dataset": str(toy_folder)}
            swap = http.post("/admin/swap", json=other)
            assert swap.status_code == 200, swap.text
            assert http.post("/admin/rollback", json={"model": "a"}).status_code == 200
        answers = list(asked)
        assert {found.status_code for found in answers} == {200}
        assert len({found.json()["served_by"]["revision"] for found in answers}) > 1
        titles = {found.json()["served_by"]["revision"] % 2: found.json()["served_by"]["title"] for found in answers}
        assert set(titles.items()) <= {(1, "NewPlaceFloor"), (0, "TimeTransition")}

    children = children_of(process.pid)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [json.loads(line)["event"] for line in log.splitlines()][-1] == "stopped"  # and every line is JSON
    until = time.monotonic() + 10  # multiprocessing's tracker ends when it sees that the others have
    while time.monotonic() < until and any(Path(f"/proc/{pid}").exists() for pid in children):
        time.sleep(0.1)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def children_of(pid):
    """Return the processes below a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children_of(int(child))]
    return found


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_said_in_one_line(models, tmp_path):
    toy_city(seed=1, folder=tmp_path / "other")
    words = (models / "floor", "--dataset", tmp_path / "other", "--port", free_port())
    process = spawn(*words, stderr=subprocess.PIPE, env=ENV)
    _, log = process.communicate(timeout=START_S)
    assert process.returncode == 2
    plain = [line for line in log.splitlines() if not line.startswith("{")]
    assert len(plain) == 1, log
    assert plain[0].startswith("lgsid: error: model 'floor': the model was trained on")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "what to serve"),
        (("--model", "a"), "expected NAME=CHECKPOINT"),
        (("{models}/floor", "--port", 80), "within 1024..65535"),
        (("{models}/floor", "--host", "example.org"), "--host example.org"),
        (("{models}/floor", "--batch", 0), "at least 1"),
        (("{models}/floor", "--timeout-s", 0), "must be positive"),
    ],
)
def test_mistakes_get_one_line_before_anything_is_loaded(models, capsys, words, says):
    from lgsid.cli import outcome

    assert outcome(["serve", *(str(word).format(models=models) for word in words)]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert says in told[0]


def test_without_litserve_it_says_what_to_install(models, capsys, monkeypatch):
    from lgsid.cli import outcome

    monkeypatch.setitem(sys.modules, "litserve", None)
    assert outcome(["serve", str(models / "floor")]) == 2
    assert "pip install lgsid[serve]" in capsys.readouterr().err


def test_nothing_of_the_service_is_imported_without_it():
    code = (
        "import sys, lgsid, lgsid.cli as cli, lgsid.serving; cli.outcome(['--help']); cli.outcome(['serve', '--help'])"
    )
    code += "; print([name for name in ('litserve', 'fastapi', 'prometheus_client', 'torch') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip().endswith("[]")
