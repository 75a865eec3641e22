"""Neighbors by an inverted file against the exact search: how much faster, and which share of the nearest it finds.

    python benchmarks/neighbors.py            # writes benchmarks/neighbors.json

`IVFNeighbors` and `lgsid.neighbors.ExactNeighbors` search the ten nearest of the same 8,192 rows, the number that
`NeighborhoodMetrics` samples, in the same process, in turn, on one thread. Building the index is part of its time.
Times are CPU seconds; a ratio is the time of the exact search over that of the inverted file, the median over rounds.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import torch
from lgsid_faiss import IVFNeighbors
from torch import Tensor

from lgsid.artefacts.files import write_json
from lgsid.functional.neighborhood import MAX_QUERIES, sampled_rows
from lgsid.neighbors import ExactNeighbors, NeighborIndex

RESULT = Path(__file__).resolve().parent / "neighbors.json"
K, DIM, CLUMPS = 10, 384, 3000


def anisotropic(n: int) -> Tensor:
    """Return n vectors in unequal clumps, most of their variance along few axes, as of sentences, (n, 384)."""
    generator, scale = torch.Generator().manual_seed(0), torch.arange(1, DIM + 1) ** -0.6
    middles = torch.randn(CLUMPS, DIM, generator=generator) * scale
    weights = torch.rand(CLUMPS, generator=generator)
    chosen = torch.multinomial(weights, n, replacement=True, generator=generator)
    return middles[chosen] + 0.7 * torch.randn(n, DIM, generator=generator) * scale


def timed(index: NeighborIndex, vectors: Tensor, rows: Tensor | None) -> tuple[Tensor, float]:
    """Return the neighbors and the CPU seconds that they took."""
    start = time.process_time()
    found = index.nearest(vectors, K, rows)
    return found, time.process_time() - start


def measure(n: int, probes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Compare the searches among n vectors, one line for each number of probes."""
    vectors, rows = anisotropic(n), sampled_rows(n, MAX_QUERIES, seed=0)
    runs: dict[int, list[dict[str, float]]] = {n_probe: [] for n_probe in probes}
    for _ in range(rounds):
        exact, seconds = timed(ExactNeighbors(), vectors, rows)
        for n_probe in probes:
            found, faster = timed(IVFNeighbors(n_probe=n_probe), vectors, rows)
            recall = (found[:, :, None] == exact[:, None]).any(2).double().mean()
            runs[n_probe].append({"exact": seconds, "ivf": faster, "recall": float(recall)})
    return [
        {
            "vectors": n,
            "queries": n if rows is None else len(rows),
            "n_probe": n_probe,
            "ratio": statistics.median(run["exact"] / run["ivf"] for run in found),
            "recall": statistics.median(run["recall"] for run in found),
            "runs": found,
        }
        for n_probe, found in runs.items()
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="repetitions; ratios are medians over them")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000], help="numbers of vectors")
    options = parser.parse_args()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    versions = {"python": platform.python_version(), "torch": torch.__version__, "faiss": faiss.__version__}
    found = [line for n in options.sizes for line in measure(n, (4, 16, 64), options.rounds)]
    write_json(RESULT, {"versions": versions, "comparison": found})


if __name__ == "__main__":
    main()
