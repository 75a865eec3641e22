"""Uncertainty of means: bootstrap over users, Student's t over seeds, Holm's correction, weighted AUC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

Floats = npt.NDArray[np.float64]

NOISE = 1e-12
"""Differences below this share of what is subtracted are rounding."""
CONSTANT = 1e-9
"""A spread below this share of the mean is none."""
BLOCK = 1 << 21
"""Cells of the largest table that `weighted_auc` holds at once."""


def user_weights(n_users: int, n_replicates: int, seed: int) -> Floats:
    """Draw the number of times that each user is in each replicate of a bootstrap (Efron 1979).

    Args:
        n_users: Number of users U, drawn with replacement.
        n_replicates: Number of replicates B.
        seed: Random seed of the bootstrap.

    Returns:
        Shape (B, U), whole numbers; every row adds up to U.
    """
    return np.concatenate([np.empty((0, n_users)), *weight_chunks(n_users, n_replicates, seed, max(n_replicates, 1))])


def weight_chunks(n_users: int, n_replicates: int, seed: int, chunk: int) -> Iterator[Floats]:
    """Draw the rows of `user_weights` in chunks; the chunk size does not change them.

    Args:
        n_users: Number of users U.
        n_replicates: Number of replicates B.
        seed: Random seed of the bootstrap, as in `user_weights`.
        chunk: Number of rows per chunk.

    Yields:
        Shape (at most chunk, U).
    """
    rng = np.random.default_rng(seed)
    shares = np.full(n_users, 1.0 / n_users)
    for start in range(0, n_replicates, chunk):
        yield rng.multinomial(n_users, shares, size=min(chunk, n_replicates - start)).astype(np.float64)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; NaN where the denominator is 0. Both of the same shape."""
    quotient = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def difference(first: Floats, second: Floats) -> Floats:
    """Subtract; 0 where the difference is rounding, so that equal methods are equal. Any shapes that broadcast."""
    gap = first - second
    return np.where(np.abs(gap) <= NOISE * np.maximum(np.abs(first), np.abs(second)), 0.0, gap)


def interval(replicates: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the percentile interval of a bootstrap. Replicates that are NaN, without a value, are left out.

    Args:
        replicates: Shape (B, ...).
        level: Confidence level, the share of the replicates inside.

    Returns:
        Lower and upper end, shape (...); NaN where no replicate has a value.
    """
    ordered = np.sort(replicates, axis=0)  # NaN last
    last = np.maximum((~np.isnan(replicates)).sum(0) - 1, 0)
    return quantile(ordered, last, (1 - level) / 2), quantile(ordered, last, (1 + level) / 2)


def quantile(ordered: Floats, last: npt.NDArray[np.int64], share: float) -> Floats:
    """Interpolate linearly at a quantile of sorted values.

    Args:
        ordered: Shape (B, ...), sorted along the first axis.
        last: Shape (...), position of the largest value that is not NaN.
        share: Quantile, between 0 and 1.

    Returns:
        Shape (...).
    """
    position = share * last
    below = np.floor(position).astype(np.int64)
    low = np.take_along_axis(ordered, below[None], 0)[0]
    high = np.take_along_axis(ordered, np.minimum(below + 1, last)[None], 0)[0]
    return np.asarray(low + (position - below) * (high - low))


def bootstrap_p(differences: Floats) -> Floats:
    """Return the two-sided p of "no difference", by the share of replicates beyond 0 (Davison and Hinkley 1997, 4.2).

    One is added to counts and replicates, so p is never 0. A difference of exactly 0 counts on both sides, so equal
    methods have p = 1.

    Args:
        differences: Shape (B, ...), one per replicate; NaN is left out.

    Returns:
        Shape (...); NaN where no replicate has a value.
    """
    known = (~np.isnan(differences)).sum(0)
    beyond = np.minimum((differences <= 0).sum(0), (differences >= 0).sum(0))
    return np.where(known > 0, np.minimum(1.0, 2 * (beyond + 1) / (known + 1)), np.nan)


def holm(p: Floats) -> Floats:
    """Adjust p values for multiple comparisons, step-down (Holm 1979).

    Args:
        p: Shape (..., M), M tests of one family. NaN is no test: it stays NaN and does not count.

    Returns:
        Shape (..., M), in the same order, at least p and at most 1.
    """
    order = np.argsort(p, axis=-1, kind="stable")  # NaN last
    left = (~np.isnan(p)).sum(-1, keepdims=True) - np.arange(p.shape[-1])
    stepped = np.maximum.accumulate(np.minimum(1.0, np.take_along_axis(p, order, -1) * left), axis=-1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, stepped, -1)
    return adjusted


def t_interval(values: Floats, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Return mean and Student's t interval.

    Args:
        values: Shape (S, ...), one per seed.
        level: Confidence level.

    Returns:
        Mean, lower and upper end, shape (...); the ends are NaN for one seed.
    """
    mean, error = mean_and_error(values)
    reach = stats.t.ppf((1 + level) / 2, max(len(values) - 1, 1)) * error
    return mean, mean - reach, mean + reach


def paired_t_p(differences: Floats) -> Floats:
    """Return the two-sided p of "no difference" by Student's paired t test.

    Args:
        differences: Shape (S, ...), one per seed.

    Returns:
        Shape (...). 1 where all differences are 0. NaN for one seed, and where all are the same but not 0: a spread of
        nothing says nothing.
    """
    mean, error = mean_and_error(differences)
    p = 2 * stats.t.sf(np.abs(ratio(mean, error)), max(len(differences) - 1, 1))
    p = np.where(error <= CONSTANT * np.abs(mean), np.nan, p)
    return np.where((differences == 0).all(0) & ~np.isnan(error), 1.0, p)


def mean_and_error(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard error over the first axis; the error of one value is NaN."""
    mean = values.mean(0)
    n = len(values)
    squares = ((values - mean) ** 2).sum(0)
    return mean, np.sqrt(squares / (n - 1) / n) if n > 1 else np.full(mean.shape, np.nan)


def weighted_auc(scores: Floats, labels: Floats, weights: Floats) -> Floats:
    """Return the area under the ROC curve for several weightings of the samples; equal scores count half.

    Args:
        scores: Shape (S,), higher means more likely positive.
        labels: Shape (S,), 1 or 0.
        weights: Shape (B, S), not negative.

    Returns:
        Shape (B,), NaN where a weighting leaves one class only.
    """
    return auc_of_runs(*auc_runs(scores, labels, np.arange(len(scores)), len(scores)), weights)


def auc_runs(scores: Floats, labels: Floats, owner: npt.NDArray[np.int64], n_owners: int) -> tuple[Any, Any]:
    """Sort samples into runs that say as much about an AUC as all scores do.

    A run is one score; adjacent scores that only positives have, or only negatives, are one run.

    Args:
        scores: Shape (S,).
        labels: Shape (S,), 1 or 0.
        owner: Shape (S,), whose weight a sample has.
        n_owners: Owners, U.

    Returns:
        How many positives and how many negatives each owner has in each run, runs ascending: sparse, shape (R, U).
    """
    value = np.unique(scores, return_inverse=True)[1].reshape(-1)
    positive = labels > 0
    kind = np.sign(np.bincount(value, positive)) - np.sign(np.bincount(value, ~positive))  # 0 is both
    run = np.cumsum(np.append(0, (kind[1:] != kind[:-1]) | (kind[1:] == 0)))[value]
    shape = (int(run.max(initial=-1)) + 1, n_owners)
    pick = [sparse.csr_array((np.ones(m.sum()), (run[m], owner[m])), shape=shape) for m in (positive, ~positive)]
    return pick[0], pick[1]


def auc_of_runs(positives: Any, negatives: Any, weights: Floats) -> Floats:
    """Return the AUC for several weightings of the owners of samples.

    Args:
        positives: Positives of each run and owner, from `auc_runs`, sparse, shape (R, U).
        negatives: Negatives of each run and owner, likewise.
        weights: Shape (B, U), not negative.

    Returns:
        Shape (B,), NaN where a weighting leaves one class only.
    """
    step = max(1, BLOCK // max(1, positives.shape[0]))
    areas = np.empty(len(weights))
    for start in range(0, len(weights), step):
        part = np.ascontiguousarray(weights[start : start + step].T)  # (U, b)
        won, lost = positives @ part, negatives @ part  # (R, b)
        below = np.cumsum(lost, axis=0) - lost / 2
        areas[start : start + step] = ratio((won * below).sum(0), won.sum(0) * lost.sum(0))
    return areas
