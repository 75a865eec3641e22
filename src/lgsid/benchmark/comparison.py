"""Methods compared: means with intervals, and paired differences with p values."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from lgsid.benchmark.user_scores import Floats, UserScores
from lgsid.errors import LgsidError
from lgsid.functional.resampling import (
    bootstrap_p,
    difference,
    holm,
    interval,
    paired_t_p,
    t_interval,
    weight_chunks,
)

SIGNIFICANT = 0.05
CHUNK = 128
"""Replicates at a time, to bound memory."""
WITHOUT_VALUE = 0.01
"""Where more replicates than this lack a value, fewer than about five users have one: too few to resample."""

REPLICATES = 2000
"""Of a bootstrap over users, at least."""
PER_TEST = 100
"""Replicates for each test of a table: p is at least two in as many, so that Holm's correction leaves it below .05."""

Number = float | None
SeedMetrics = Mapping[int | None, Mapping[str, float]]


@dataclass(frozen=True)
class Comparison:
    """Means, differences and what they are worth. `None` is not known; nothing is NaN.

    Args:
        values: Method -> metric -> mean, and lower and upper end of its 95 % interval.
        differences: Metric -> baseline -> method -> mean of method minus baseline, lower and upper end, p of "no
            difference", and p after Holm's correction for all methods compared with the baseline.
    """

    values: dict[str, dict[str, tuple[float, Number, Number]]]
    differences: dict[str, dict[str, dict[str, tuple[float, Number, Number, Number, Number]]]]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, numbers rounded to six significant digits."""
        return {"values": rounded(self.values), "differences": rounded(self.differences)}

    def only(self, keys: Collection[str]) -> Comparison:
        """Return what is known of some metrics."""
        values = {name: {key: own[key] for key in keys if key in own} for name, own in self.values.items()}
        return Comparison(values, {key: self.differences[key] for key in keys if key in self.differences})

    def merged(self, other: Comparison) -> Comparison:
        """Add the metrics of another comparison of the same methods."""
        names = dict.fromkeys((*self.values, *other.values))
        values = {name: {**self.values.get(name, {}), **other.values.get(name, {})} for name in names}
        return Comparison(values, {**self.differences, **other.differences})

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Comparison:
        """Return what `to_dict` was called on, but for the rounding.

        Raises:
            LgsidError: if it is something else.
        """
        if not all(isinstance(kept.get(name), Mapping) for name in ("values", "differences")):
            raise LgsidError("comparison: lacks values or differences; delete the file and report again")
        return cls(as_tuples(kept["values"]), as_tuples(kept["differences"]))


def compare_users(
    methods: Mapping[str, Sequence[UserScores]], replicates: int = REPLICATES, seed: int = 0
) -> Comparison:
    """Compare methods by a bootstrap over users, the same users for all, so that differences are paired.

    The statistic is the mean over a method's seeds. There is no interval and no p where there are fewer than two
    users, or where over one replicate in a hundred lacks a value.

    Args:
        methods: Method -> its results, one per seed. A metric that not all seeds have is left out.
        replicates: Replicates of the bootstrap.
        seed: Random seed of the bootstrap.

    Raises:
        LgsidError: if a method has no results, or was measured on other queries.
    """
    check_users(methods)
    some = [one for group in methods.values() for one in group]
    n_users = len(some[0].users)
    keys = tuple(dict.fromkeys(key for one in some for key in one.keys))
    chunks = weight_chunks(n_users, replicates, seed, CHUNK) if n_users > 1 else iter(())
    sampled = [np.stack([mean_of_seeds(group, keys, weights) for group in methods.values()]) for weights in chunks]
    samples = np.concatenate(sampled or [np.full((len(methods), 1, len(keys)), np.nan)], axis=1)  # (M, B, K)
    point = np.stack([mean_of_seeds(group, keys, np.ones((1, n_users)))[0] for group in methods.values()])
    values = np.stack([np.stack([mean, *ends(sample)]) for mean, sample in zip(point, samples, strict=True)])
    pairs = {}
    for a, b in combinations(range(len(point)), 2):
        gaps = difference(samples[b], samples[a])
        p = np.where(np.isnan(ends(gaps)[0]), np.nan, bootstrap_p(gaps))
        pairs[a, b] = np.stack([difference(point[b], point[a]), *ends(gaps), p])
    return assembled(tuple(methods), keys, values, pairs)


def check_users(methods: Mapping[str, Sequence[UserScores]]) -> None:
    """Check that methods have results, all of the same queries.

    Raises:
        LgsidError: naming the first that has not, or saying that there is no method.
    """
    if not methods:
        raise LgsidError("nothing to compare: no method has results; run some")
    for name, group in methods.items():
        if not group:
            raise LgsidError(f"{name}: has no results to compare; run it or leave it out")
    some = [one for group in methods.values() for one in group]
    for other in some[1:]:
        some[0].same_task(other)


def mean_of_seeds(group: Sequence[UserScores], keys: tuple[str, ...], weights: Floats) -> Floats:
    """Return the mean over seeds for weightings (B, U) of users, shape (B, K); NaN where a seed has no value."""
    total = np.zeros((len(weights), len(keys)))
    for one in group:
        place = {key: column for column, key in enumerate(one.keys)}
        padded = np.column_stack([one.evaluate(weights), np.full(len(weights), np.nan)])
        total += padded[:, [place.get(key, -1) for key in keys]]
    return total / len(group)


def ends(samples: Floats) -> tuple[Floats, Floats]:
    """Return the percentile interval of replicates (B, K), shape (K,) each; NaN where too many lack a value."""
    enough = np.isnan(samples).mean(0) <= WITHOUT_VALUE
    low, high = interval(samples)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def compare_seeds(methods: Mapping[str, SeedMetrics]) -> Comparison:
    """Compare methods by Student's t over seeds, for tasks without users.

    Differences are paired by seed; a method without a seed is compared with each seed of the other. One pair has no
    interval and no p; the same difference at every seed has no p, unless it is 0.

    Args:
        methods: Method -> seed -> metrics. `None` is the seed of a deterministic method, which has no other.

    Raises:
        LgsidError: if a method has no results, or results with and without a seed.
    """
    if not methods:
        raise LgsidError("nothing to compare: no method has results; run some")
    for name, seeds in methods.items():
        if not seeds or (None in seeds and len(seeds) > 1):
            raise LgsidError(f"{name}: needs results of seeds, or one result without; run it again")
    keys = tuple(dict.fromkeys(key for seeds in methods.values() for metrics in seeds.values() for key in metrics))
    tables = [
        {seed: np.array([metrics.get(key, np.nan) for key in keys], dtype=float) for seed, metrics in seeds.items()}
        for seeds in methods.values()
    ]
    values = np.array([t_interval(np.stack(list(table.values()))) for table in tables]).reshape(-1, 3, len(keys))
    pairs = {}
    for a, b in combinations(range(len(tables)), 2):
        gaps = paired(tables[a], tables[b])
        if len(gaps):
            pairs[a, b] = np.stack([*t_interval(gaps), paired_t_p(gaps)])
    return assembled(tuple(methods), keys, values, pairs)


def paired(baseline: Mapping[int | None, Floats], method: Mapping[int | None, Floats]) -> Floats:
    """Return method minus baseline for each pair of seeds (S, K), given the metrics (K,) of each seed."""
    seeds = (
        [(seed, None) for seed in baseline]
        if None in method
        else [(None if None in baseline else seed, seed) for seed in method if None in baseline or seed in baseline]
    )
    return np.array([difference(method[other], baseline[own]) for own, other in seeds])


def assembled(
    names: tuple[str, ...], keys: tuple[str, ...], values: Floats, pairs: Mapping[tuple[int, int], Floats]
) -> Comparison:
    """Correct p values and name everything.

    Args:
        names: M methods.
        keys: K metrics.
        values: Shape (M, 3, K): mean, lower and upper end.
        pairs: Positions of baseline and method, the baseline first -> shape (4, K): difference, lower and upper end, p.
            The other direction follows.
    """
    table = np.full((len(keys), len(names), len(names), 4), np.nan)  # baseline, method
    for (a, b), (mean, low, high, p) in pairs.items():
        table[:, a, b] = np.stack([mean, low, high, p], -1)
        table[:, b, a] = np.stack([0.0 - mean, 0.0 - high, 0.0 - low, p], -1)
    table = np.concatenate([table, holm(table[..., 3])[..., None]], axis=-1)
    found = {name: known_of(keys, rows.T) for name, rows in zip(names, values, strict=True)}
    compared = {
        key: {name: known_of(names, rows) for name, rows in zip(names, by_baseline, strict=True)}
        for key, by_baseline in zip(keys, table, strict=True)
    }
    kept = {key: {name: row for name, row in rows.items() if row} for key, rows in compared.items()}
    return Comparison(found, {key: rows for key, rows in kept.items() if rows})


def known_of(names: Sequence[str], rows: Floats) -> dict[str, Any]:
    """Name the rows (N, ...) whose first number is known, as tuples of numbers, `None` for NaN."""
    named = zip(names, rows.tolist(), strict=True)
    return {name: tuple(None if math.isnan(x) else x for x in row) for name, row in named if not math.isnan(row[0])}


def rounded(value: Any) -> Any:
    """Return nested dicts with their tuples as lists of numbers of six significant digits."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    return [None if x is None else float(f"{x:.6g}") for x in value]


def as_tuples(value: Any) -> Any:
    """Return nested dicts with their lists as tuples."""
    if isinstance(value, Mapping):
        return {key: as_tuples(inner) for key, inner in value.items()}
    return tuple(value)


def tied_with_best(comparison: Comparison, key: str, higher: bool) -> set[str]:
    """Return the best method of a metric and all whose difference to it is not significant.

    Not significant is p of at least 0.05 after Holm's correction for all methods compared with the best, or not known.

    Args:
        comparison: The comparison.
        key: The metric.
        higher: Whether more is better.

    Returns:
        Names of methods; empty if none has the metric.
    """
    return {name for name, rank in ranks(comparison, key, higher).items() if rank == 1}


def ranks(comparison: Comparison, key: str, higher: bool) -> dict[str, int]:
    """Rank the methods of a metric in groups.

    The best method and all that are not significantly different from it share rank 1; the best of the others and all
    others not significantly different from that one share the next rank, 1 + the number of methods before; and so on.
    What is significant: see `tied_with_best`.

    Args:
        comparison: The comparison.
        key: The metric.
        higher: Whether more is better.

    Returns:
        Method -> rank from 1, in the order of ranks and means.
    """
    sign = -1.0 if higher else 1.0
    means = {name: sign * values[key][0] for name, values in comparison.values.items() if key in values}
    left = sorted(means, key=lambda name: means[name])
    found: dict[str, int] = {}
    while left:
        against = comparison.differences.get(key, {}).get(left[0], {})
        group = [name for name in left if name == left[0] or not is_significant(against.get(name))]
        found |= dict.fromkeys(group, len(found) + 1)
        left = [name for name in left if name not in found]
    return found


def is_significant(found: Sequence[Number] | None) -> bool:
    """Tell whether a difference, as in `Comparison.differences`, is significant; `None` is not known."""
    return found is not None and found[4] is not None and found[4] < SIGNIFICANT
