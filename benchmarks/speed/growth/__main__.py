"""How time and memory grow with the number of places, and a picture of it.

    python benchmarks/speed/growth                          # 1,000, 10,000 and 100,000 places
    python benchmarks/speed/growth --sizes 1000000          # adds a million
    python benchmarks/speed/growth --only card city         # measures these again
    python benchmarks/speed/growth --draw                   # only draws growth.png anew

Each measurement runs in a process of its own, on `--threads` threads, and is kept in `benchmarks/results/growth`
at once, in place of an earlier one of its case and size, so that it may be stopped and started again. Times are CPU
seconds, so that other work on the machine changes them little; peak memory is that of the process, with what it reads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import curves
from cases import CASES
from machine import machine

from lgsid.artefacts.files import read_json, write_json

HERE = Path(__file__).resolve().parent
RESULT = HERE.parents[1] / "results" / "growth" / "growth.json"
PICTURE = HERE / "growth.png"
SIZES = (1_000, 10_000, 100_000)


def measured(name: str, places: int, threads: int, timeout_s: float) -> dict[str, Any]:
    """Measure one case in a process of its own; what fails says why."""
    variables = {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    call = [sys.executable, str(HERE / "cases.py"), name, str(places)]
    failed = {"case": name, "places": places}
    try:
        done = subprocess.run(
            call, env={**os.environ, **variables}, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return {**failed, "failed": f"not done after {timeout_s:.0f} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {**failed, "failed": last[:200]}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def merged(old: Iterable[Mapping[str, Any]], new: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the measurements with a new one in place of an earlier one of its case and size, in a fixed order."""
    kept = {(one["case"], one["places"]): one for one in (*old, new)}
    order = list(CASES)
    return [kept[key] for key in sorted(kept, key=lambda key: (order.index(key[0]), key[1])) if key[0] in CASES]


def run(names: Sequence[str], sizes: Sequence[int], threads: int, timeout_s: float, result: Path) -> None:
    """Measure all cases, small sizes first, and keep each at once."""
    for places in sorted(sizes):
        for name in names:
            new = measured(name, places, threads, timeout_s)
            old = read_json(result)["measurements"] if result.exists() else []
            kept = merged([one for one in old if one["case"] in CASES], new)
            titles = {key: (prepare.__doc__ or key).rstrip(".") for key, prepare in CASES.items()}
            slopes = {key: curves.exponent(kept, key) for key in CASES}
            write_json(
                result,
                {"machine": machine(threads), "titles": titles, "exponents": slopes, "measurements": kept},
            )
            sys.stdout.write(f"{json.dumps(new)}\n")
            sys.stdout.flush()


def main() -> None:
    """Measure, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="PLACES")
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES), metavar="CASE")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--timeout-s", type=float, default=3600.0, help="of one measurement")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--draw", action="store_true", help="do not measure")
    options = parser.parse_args()
    if not options.draw:
        run(options.only, options.sizes, options.threads, options.timeout_s, options.result)
    curves.draw(read_json(options.result), PICTURE if options.result == RESULT else options.result.with_suffix(".png"))


if __name__ == "__main__":
    main()
