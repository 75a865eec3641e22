"""Measure `lgsid serve` against the call in process, with locust's clients; locust is not among lgsid's extras.

    pip install locust
    python benchmarks/serving                                # writes benchmarks/results/serving/serving.json
    python benchmarks/serving --checkpoint runs/demo/place_generator --note "with the demo's model"
    python benchmarks/serving --only-memory --memory-minutes 60 --pause-s 0.4    # replaces that part of the file

A synthetic city of 5,000 places and a `PlaceGenerator` of the default size after one step of training, unless a
checkpoint is given: its time does not depend on what it has learned. Every query is another user's, near another
place, for 10 places. The server, the clients and this program share the machine. Measured are: the call in process,
one query after the other; 1, 8 and 32 clients, each of which asks again as soon as it has an answer; memory of the
processes while 8 clients ask; and requests while the model is swapped and rolled back. Percentiles are of all requests,
by wall time.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from lgsid.artefacts.files import write_json

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "speed"))

from machine import machine  # noqa: E402

RESULT = HERE.parent / "results" / "serving" / "serving.json"
PLACES, USERS, CHECKINS = 5_000, 1_000, 80_000
CLIENTS = (1, 8, 32)
MEMORY_CLIENTS = SWAP_CLIENTS = 8
BODIES = 2_000
SWAP_EVERY_S = 3.0
SAMPLE_S = 1.0
START_S = 300


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="folder of a trained recommender; a synthetic one by default")
    parser.add_argument("--seconds", type=float, default=30, help="of each number of clients, and of the call")
    parser.add_argument("--memory-minutes", type=float, default=5, help="of traffic while the memory is watched")
    parser.add_argument("--pause-s", type=float, default=0, help="of a client between two requests, for the memory")
    parser.add_argument("--only-memory", action="store_true", help="keep all other parts of the file as they are")
    parser.add_argument("--swap-requests", type=int, default=10_000, help="requests while models are swapped")
    parser.add_argument("--note", default="", help="what to keep in the file, such as that the machine was busy")
    parser.add_argument("--output", type=Path, default=RESULT)
    return parser.parse_args()


def main() -> None:
    """Measure and write."""
    given = options()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="lgsid-load-") as name:
        folder = Path(name)
        checkpoint = Path(given.checkpoint) if given.checkpoint else synthetic(folder)
        service, bodies = in_process(checkpoint)
        (folder / "bodies.json").write_text(json.dumps(bodies), encoding="utf-8")
        state = service.health().models[0]
        model = {"title": state.title, "places": state.n_places, "codebook_sizes": state.codebook_sizes}
        if given.only_memory:
            content = kept(given.output, model)
        else:
            content = {"model": model, "in_process": called(service, bodies, given.seconds), "note": given.note}
            content |= {"load_average_before": [round(value, 2) for value in load], "machine": machine(1)}
        del service
        with serving(checkpoint, folder) as address:
            traffic(address, folder, 8, 5.0)  # warms up
            content["memory"] = memory(
                address, folder, given.memory_minutes * 60, given.pause_s
            )  # before a swap keeps two models
            if not given.only_memory:
                content["clients"] = [
                    {"clients": n, **figures(traffic(address, folder, n, given.seconds))} for n in CLIENTS
                ]
                content["swaps"] = swaps(address, folder, checkpoint, given.swap_requests)
                content["batches"] = batches(address)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(given.output, content)
    print(json.dumps(content, indent=1))  # noqa: T201


def kept(path: Path, model: dict[str, Any]) -> dict[str, Any]:
    """Return what a result file says, if it was measured with the same model."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if content["model"] != model:
        raise SystemExit(f"{path}: measured with another model, so its memory is not replaced")
    return content


def synthetic(folder: Path) -> Path:
    """Make a city and a model of the default size after one step of training; return the folder of the model."""
    import lightning as L

    from lgsid.artefacts import SemanticIDs
    from lgsid.datamodules import SequenceData
    from lgsid.datasets import DatasetBuilder, SyntheticCity, TemporalSplit
    from lgsid.recommenders import PlaceGenerator

    city = SyntheticCity(n_places=PLACES, n_users=USERS, n_checkins=CHECKINS)
    dataset = DatasetBuilder("synthetic", city, TemporalSplit()).build()
    dataset.write(folder / "data")
    codes = np.stack(np.unravel_index(np.random.default_rng(0).permutation(128 * 64 * 64)[:PLACES], (128, 64, 64)), 1)
    SemanticIDs(dataset.items.ids, codes.astype(np.int64), (128, 64, 64)).write(folder / "sids.parquet")
    data = SequenceData(str(folder / "data"), str(folder / "sids.parquet"))
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = L.Trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=0, accelerator="cpu", **quiet)
    trainer.fit(PlaceGenerator(), datamodule=data)
    (folder / "model").mkdir()
    trainer.save_checkpoint(folder / "model" / "model.ckpt")
    paths = {"dataset": str(folder / "data"), "sids": str(folder / "sids.parquet")}
    write_json(folder / "model" / "fit_config.yaml", {"data": {"init_args": paths}})
    return folder / "model"


def in_process(checkpoint: Path) -> tuple[Any, list[dict[str, Any]]]:
    """Return the service in this process, and what is asked: another user and another position each time."""
    import torch

    from lgsid.serving import ModelFiles, Service

    torch.set_num_threads(1)
    service = Service.load({"model": ModelFiles.of(checkpoint)})
    dataset = service.slot(None)[1].model.live.dataset
    rng = random.Random(0)
    items = dataset.items
    rows = [row for row in range(len(items)) if items.located[row]]
    bodies = []
    for _ in range(BODIES):
        row = rng.choice(rows)
        body = {"latitude": float(items.lat_deg[row]), "longitude": float(items.lon_deg[row]), "radius_km": 5, "k": 10}
        bodies.append({"user": str(rng.choice(dataset.user_ids)), **body})
    return service, bodies


def called(service: Any, bodies: Sequence[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Measure the call in process."""
    from lgsid.serving import schemas

    requests = [schemas.RecommendRequest(**body) for body in bodies]
    for request in requests[:20]:
        service.recommend(request)
    rows, start = [], time.time()
    while time.time() < start + seconds:
        begun = time.perf_counter()
        service.recommend(requests[len(rows) % len(requests)])
        rows.append((time.time(), (time.perf_counter() - begun) * 1e3, 200, 1))
    return figures(rows)


@contextmanager
def serving(checkpoint: Path, folder: Path) -> Iterator[str]:
    """Run a server for a block, and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "lgsid", "serve", f"--model=model={checkpoint}", f"--port={port}"]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(words, stderr=log, stdout=log)
        try:
            until = time.monotonic() + START_S
            while True:
                try:
                    get(f"{address}/health")
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > until:
                        raise RuntimeError((folder / "serve.log").read_text(encoding="utf-8")) from None
                    time.sleep(0.5)
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def get(address: str) -> str:
    """Return what an address answers."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        return str(answer.read().decode())


def post(address: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send JSON and return what is answered."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=600) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def traffic(
    address: str, folder: Path, clients: int, seconds: float | None = None, requests: int = 0, pause_s: float = 0
) -> list[tuple[float, float, int, int]]:
    """Let clients ask for a time, or until they have asked as often as wanted.

    Args:
        address: Of the server.
        folder: With what is asked; the result goes there, too.
        clients: How many ask at once.
        seconds: For how long.
        requests: How often at most, 0 for no limit.
        pause_s: Of each client after an answer.

    Returns:
        Of each request when it ended (s), how long it took (ms), its status, and the revision that answered.
    """
    result = folder / "traffic.json"
    result.unlink(missing_ok=True)
    words = [sys.executable, "-m", "locust", "-f", str(HERE / "traffic.py"), "--headless", "--host", address]
    words += ["-u", str(clients), "-r", str(clients), "--only-summary", "--loglevel", "ERROR", "--stop-timeout", "60"]
    words += ["-t", f"{seconds:.0f}s"] if seconds else []
    env = {"TRAFFIC_BODIES": str(folder / "bodies.json"), "TRAFFIC_RESULT": str(result)}
    env |= {"TRAFFIC_REQUESTS": str(requests), "TRAFFIC_PAUSE_S": str(pause_s)}
    subprocess.run(words, env={**os.environ, **env}, check=False, capture_output=True)
    return [tuple(row) for row in json.loads(result.read_text(encoding="utf-8"))]


def figures(rows: Sequence[tuple[float, float, int, int]]) -> dict[str, Any]:
    """Return percentiles of the time and the throughput of requests."""
    ms = np.array([row[1] for row in rows])
    ends = np.array([row[0] for row in rows])
    span = float(ends.max() - (ends - ms / 1e3).min())
    return {
        "requests": len(rows),
        "failed": sum(row[2] != 200 for row in rows),
        "per_second": round(len(rows) / span, 2),
        **{f"p{q}_ms": round(float(np.percentile(ms, q)), 2) for q in (50, 95, 99)},
    }


def resident(address: str) -> dict[str, float]:
    """Return the memory of the processes of a server in MiB."""
    lines = [line for line in get(f"{address}/metrics").splitlines() if line.startswith("lgsid_resident_bytes{")]
    return {line.split('"')[1]: float(line.rpartition(" ")[2]) / 2**20 for line in lines}


def memory(address: str, folder: Path, seconds: float, pause_s: float) -> dict[str, Any]:
    """Watch the memory of the processes while clients ask; the slope is that of the second half."""
    samples: list[tuple[float, dict[str, float]]] = []
    done = Event()

    def watch() -> None:
        while not done.wait(SAMPLE_S):
            samples.append((time.monotonic(), resident(address)))

    watching = Thread(target=watch)
    watching.start()
    rows = traffic(address, folder, MEMORY_CLIENTS, seconds, pause_s=pause_s)
    done.set()
    watching.join()
    failed = sum(row[2] != 200 for row in rows)
    found: dict[str, Any] = {
        "seconds": round(samples[-1][0] - samples[0][0], 1),
        "requests": len(rows),
        "failed": failed,
    }
    late = samples[len(samples) // 2 :]
    for process in samples[0][1]:
        hours, sizes = (
            np.array(values) for values in zip(*((t / 3600, held[process]) for t, held in late), strict=True)
        )
        found[process] = {
            "first_mib": round(samples[0][1][process], 1),
            "last_mib": round(samples[-1][1][process], 1),
            "largest_mib": round(max(held[process] for _, held in samples), 1),
            "mib_per_hour": round(float(np.polyfit(hours - hours[0], sizes, 1)[0]), 1),
        }
    return found


def swaps(address: str, folder: Path, checkpoint: Path, requests: int) -> dict[str, Any]:
    """Count what is lost while a model is swapped for itself and rolled back, again and again."""
    done, took = Event(), []

    def change() -> None:
        while not done.wait(SWAP_EVERY_S):
            start = time.monotonic()
            post(f"{address}/admin/swap", {"model": "model", "checkpoint": str(checkpoint)})
            took.append(time.monotonic() - start)
            if not done.wait(SWAP_EVERY_S):
                post(f"{address}/admin/rollback", {"model": "model"})

    changing = Thread(target=change)
    changing.start()
    rows = traffic(address, folder, SWAP_CLIENTS, requests=requests)
    done.set()
    changing.join()
    return {
        **figures(rows),
        "clients": SWAP_CLIENTS,
        "revisions_seen": len({row[3] for row in rows}),
        "swaps": len(took),
        "swap_s": round(float(np.median(took)), 2),
    }


def batches(address: str) -> dict[str, float]:
    """Return how many requests were answered together on average."""
    lines = dict(line.rsplit(" ", 1) for line in get(f"{address}/metrics").splitlines() if line[:1] != "#")
    return {"mean": round(float(lines["lgsid_batch_size_sum"]) / float(lines["lgsid_batch_size_count"]), 2)}


if __name__ == "__main__":
    main()
