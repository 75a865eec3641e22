"""k-means in three levels of residuals against scikit-learn's: quality, speed, and what training on a sample costs.

    python benchmarks/speed/kmeans.py            # writes benchmarks/results/kmeans/kmeans.json

Both cluster the same vectors in the same process, in turn, on one thread, level by level, each on what its own levels
left over: `lgsid.quantizers.RQKMeans` and `sklearn.cluster.KMeans` from k-means++ with one initialization. Times are
CPU seconds. The table in `benchmarks/README.md` shows them as ratios; `python benchmarks/readme_numbers.py` writes it.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import sklearn
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from lgsid.artefacts.files import write_json
from lgsid.quantizers import RQKMeans, kmeans

RESULT = Path(__file__).resolve().parents[1] / "results" / "kmeans" / "kmeans.json"
CODES, LEVELS = 256, 3
Vectors = npt.NDArray[np.float32]


def clusters(centers: int) -> Vectors:
    """Return 10,000 vectors of width 128 in isotropic clusters."""
    x = make_blobs(10_000, 128, centers=centers, cluster_std=0.5, center_box=(-1, 1), random_state=0)[0]
    return (x - x.mean(axis=0)).astype(np.float32)


def noise() -> Vectors:
    """Return 10,000 vectors of width 128 without any cluster."""
    return np.random.default_rng(0).standard_normal((10_000, 128), dtype=np.float32)


def anisotropic(n: int) -> Vectors:
    """Return n unit vectors of width 384 in unequal clumps, most of their variance along few axes, as of sentences."""
    rng, scale = np.random.default_rng(0), np.arange(1, 385, dtype=np.float32) ** -0.6
    middles = rng.standard_normal((3000, 384), dtype=np.float32) * scale
    chosen = rng.choice(3000, n, p=rng.dirichlet(np.ones(3000)))
    x = middles[chosen] + 0.7 * rng.standard_normal((n, 384), dtype=np.float32) * scale
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x - x.mean(axis=0)


SETS: Mapping[str, Callable[[], Vectors]] = {
    "256 isotropic clusters, 10,000 x 128": lambda: clusters(256),
    "1,000 isotropic clusters, 10,000 x 128": lambda: clusters(1000),
    "noise, 10,000 x 128": noise,
    "anisotropic, 20,000 x 384": lambda: anisotropic(20_000),
}


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a call and its CPU seconds."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def quality(x: Vectors, codes: npt.NDArray[np.int64], rebuilt: Vectors) -> dict[str, Any]:
    """Describe codes (N, L) of `x`."""
    counts = [np.bincount(column, minlength=CODES) for column in codes.T]
    return {
        "error": float(np.square(x - rebuilt, dtype=np.float64).sum() / np.square(x, dtype=np.float64).sum()),
        "used": [int((each > 0).sum()) for each in counts],
        "largest": [int(each.max()) for each in counts],
        "distinct": len(np.unique(codes, axis=0)),
    }


def ours(x: Vectors, seed: int) -> dict[str, Any]:
    """Fit and encode with `RQKMeans`."""
    vectors, quantizer = torch.from_numpy(x), RQKMeans([CODES] * LEVELS, seed=seed)
    quantizer.build(x.shape[1])
    _, fit = timed(lambda: quantizer.fit(vectors))
    codes, encode = timed(lambda: quantizer.encode(vectors))
    return {"fit": fit, "encode": encode, **quality(x, codes.numpy(), quantizer.decode(codes).numpy())}


def theirs(x: Vectors, seed: int) -> dict[str, Any]:
    """Fit and encode with scikit-learn."""
    levels, fit, encode, residual, codes = [], 0.0, 0.0, x, []
    for level in range(LEVELS):
        model = KMeans(CODES, n_init=1, random_state=seed + level)
        fit += timed(lambda model=model, residual=residual: model.fit(residual))[1]
        residual = residual - model.cluster_centers_[model.labels_]
        levels.append(model)
    residual = x
    for model in levels:
        found, seconds = timed(lambda model=model, residual=residual: model.predict(residual))
        residual, encode = residual - model.cluster_centers_[found], encode + seconds
        codes.append(found.astype(np.int64))
    return {"fit": fit, "encode": encode, **quality(x, np.stack(codes, axis=1), x - residual)}


def compare(seeds: int) -> list[dict[str, Any]]:
    """Measure every set of vectors with both, in turn, after one round that is thrown away."""
    found = []
    for name, make in SETS.items():
        x = make()
        ours(x[:2000], 0), theirs(x[:2000], 0)
        runs = [{"ours": ours(x, seed), "theirs": theirs(x, seed)} for seed in range(0, 10 * seeds, 10)]
        ratios = {
            key: statistics.median(run["ours"][key] / run["theirs"][key] for run in runs)
            for key in ("fit", "encode", "error")
        }
        found.append({"vectors": name, "ratios": ratios, "runs": runs})
    return found


def sample_loss(n: int = 100_000) -> list[dict[str, Any]]:
    """Measure the error on all of n vectors of centroids that were trained on samples of them, and on all."""
    x, found = anisotropic(n), []
    for points in (32, 64, 128, 256, n):
        with mock.patch.object(kmeans, "POINTS_PER_CENTROID", points):
            found.append({"points_per_centroid": min(points, n // CODES), "of": n, **ours(x, 0)})
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="repetitions; ratios are medians over them")
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    versions = {"python": platform.python_version(), "torch": torch.__version__, "scikit-learn": sklearn.__version__}
    write_json(RESULT, {"versions": versions, "comparison": compare(seeds), "samples": sample_loss()})


if __name__ == "__main__":
    main()
