"""From synthetic places to semantic IDs, their card and nearest places, out of core: time, memory, disk of stages.

    python benchmarks/scale --folder FOLDER                       # 100,000, 300,000 and 1,000,000 places
    python benchmarks/scale --folder FOLDER --sizes 10000000      # ten million
    python benchmarks/scale --folder FOLDER --minilm 2000         # only the rate of the default text encoder
    python benchmarks/scale --page                                # only writes docs/scale_measured.md anew

Each stage is one `lgsid` command on one thread of one process, and its numbers are kept at once in
`benchmarks/results/scale/PLACES.json`, so that it may be stopped and started again: stages that are there are left out,
and a stage that was interrupted goes on part by part; its times are then those of its parts, by their records.
Times are CPU seconds, and seconds that passed; peak memory is that of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "speed"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import page
from machine import machine

from lgsid.artefacts.files import read_json, write_json

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results" / "scale"
SIZES = (100_000, 300_000, 1_000_000)
FITTED, CODES = 100_000, "[1024,256,256]"
TITLES = {
    "places": "make the places",
    "embed": "embed (`HashedWords`)",
    "sample": "sample for the fit",
    "fit": "fit on the sample",
    "tokenize": "tokenize: encode and resolve",
    "card": "card",
    "neighbors": "10 nearest places",
}


def stages_of(folder: Path, places: int) -> dict[str, list[str]]:
    """Return the command of each stage."""
    lgsid = [sys.executable, "-m", "lgsid"]
    embedded, sample, model = folder / "embed", folder / "sample", folder / "fit"
    fitted = [f"--data.dataset={sample}", f"--data.embeddings={sample / 'embeddings.parquet'}"]
    commands: dict[str, Sequence[Any]] = {
        "places": (sys.executable, HERE / "synthetic_places.py", places, folder / "places"),
        "embed": (*lgsid, "scale", "embed", folder / "places", "--config", HERE / "encoder.yaml", "--output", embedded),
        "sample": (*lgsid, "scale", "sample", embedded, "--items", FITTED, "--output", sample),
        "fit": (
            *(*lgsid, "fit", "--config", "tokenizer/hier_rqkmeans.yaml", "--run-folder", model, *fitted),
            f"--model.codebook_sizes={CODES}",
        ),
        "tokenize": (
            *(*lgsid, "scale", "tokenize", embedded, "--checkpoint", model / "model.ckpt"),
            *("--output", folder / "tokenize"),
        ),
        "card": (*lgsid, "scale", "card", folder / "tokenize", "--embedded", embedded),
        "neighbors": (*lgsid, "scale", "neighbors", folder / "places", "--output", folder / "neighbors", "-k", 10),
    }
    return {name: [str(word) for word in words] for name, words in commands.items()}


def measured(command: Sequence[str], folder: Path) -> dict[str, Any]:
    """Run a stage in a process of its own, on one thread."""
    before, kept = size_mb(folder), len(records(folder))
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    start = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **one}, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    found = {
        "seconds": round(time.monotonic() - start, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
        "disk_mb": round(size_mb(folder) - before, 1),
        "parts": parts_of(folder),
    }
    if kept:
        found["resumed"] = True
        found["disk_mb"] = round(size_mb(folder), 1)
        for key in ("seconds", "cpu_seconds"):
            found[key] = round(sum(part[key] for part in found["parts"].values()), 1)
    return found


def records(folder: Path) -> list[Path]:
    """Return the records of all parts below a folder."""
    return sorted(folder.rglob(".records/*.json"))


def parts_of(folder: Path) -> dict[str, Any]:
    """Return number, seconds and largest memory of the parts of each pass of a stage."""
    found: dict[str, Any] = {}
    for path in records(folder):
        record, name = read_json(path), path.parents[1].name
        one = found.setdefault(name, {"count": 0, "seconds": 0.0, "cpu_seconds": 0.0, "peak_mb": 0.0})
        one["count"] += 1
        for key in ("seconds", "cpu_seconds"):
            one[key] = round(one[key] + record[key], 3)
        one["peak_mb"] = max(one["peak_mb"], record["peak_mb"])
    return found


def size_mb(folder: Path) -> float:
    """Return the size of all files below a folder, in MiB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def run(places: int, root: Path, results: Path) -> None:
    """Measure all stages of a size that have not been measured yet."""
    folder, result = root / str(places), results / f"{places}.json"
    known = read_json(result) if result.exists() else {"places": places, "machine": machine(1), "stages": {}}
    known["settings"] = {"fitted": FITTED, "codebook_sizes": CODES, "places_of_a_part": 100_000, "vector": 64}
    write_json(result, known)
    for name, command in stages_of(folder, places).items():
        if name in known["stages"]:
            continue
        where = folder / ("tokenize/counts" if name == "card" else name)
        stage = measured(command, where)
        known["stages"][name] = {"title": TITLES[name], **stage}
        if name == "card":
            known["card"] = shortened(read_json(folder / "tokenize" / "card.json"))
        if name == "tokenize":
            known["spread"] = read_json(folder / "tokenize" / "manifest.json")["spread"]
        write_json(result, known)
        sys.stdout.write(f"{places} {name} {json.dumps(stage)}\n")
        sys.stdout.flush()


def shortened(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a card that say whether the semantic IDs are of use."""
    names = ("items", "collision_rate", "distinct_share", "before_resolution", "few_distinct", "reconstruction_error")
    first = {name: card["by_depth"][0][name] for name in ("prefixes", "largest", "ami")}
    return {**{name: card[name] for name in names}, "first_code": first, "neighbourhood": card["neighbourhood"]}


def minilm(places: int, root: Path, results: Path) -> None:
    """Measure how many places a second the default text encoder embeds, without loading it."""
    folder = root / "minilm"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, HERE / "synthetic_places.py", str(places), folder / "places"], check=True)
    words = ("scale", "embed", folder / "places", "--config", HERE / "minilm.yaml", "--output", folder / "embed")
    stage = measured([sys.executable, "-m", "lgsid", *map(str, words)], folder / "embed")
    seconds = stage["parts"]["embed"]["cpu_seconds"]
    rate = {"places": places, "part_cpu_seconds": seconds, "places_a_second": round(places / seconds, 1), **stage}
    write_json(results / "minilm.json", {"machine": machine(1), **rate})


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, metavar="PLACES")
    parser.add_argument("--folder", type=Path, help="where the files of the stages go")
    parser.add_argument("--minilm", type=int, metavar="PLACES", help="only measure the default text encoder")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", action="store_true", help="do not measure")
    options = parser.parse_args()
    if not options.page and options.folder is None:
        parser.error("--folder is missing")
    if options.minilm:
        minilm(options.minilm, options.folder, options.results)
    elif not options.page:
        for places in sorted(options.sizes):
            run(places, options.folder, options.results)
    if options.results == RESULTS:
        page.write(RESULTS)


if __name__ == "__main__":
    main()
