"""The places of the invented city."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.datasets.synthetic.city_plan import Array, CityMap, to_degrees
from lgsid.datasets.synthetic.kinds import KINDS
from lgsid.datasets.synthetic.words import (
    CHAIN_ENDS,
    CHAIN_STARTS,
    MOODS,
    STEMS,
    SURNAMES,
    THINGS,
    shuffled,
)

MEAN_BRANCHES = 9


@dataclass(frozen=True)
class Places:
    """N places.

    Args:
        frame: Columns `item_id, name, category, category_group, lat, lon`.
        xy_m: Shape (N, 2), metres east and north of the centre.
        kind: Shape (N,), rows of `KINDS`.
        chain: Shape (N,), number of the chain, -1 for none.
        appeal: Shape (N,), how attractive a place is, beside its distance.
    """

    frame: pd.DataFrame
    xy_m: Array
    kind: npt.NDArray[np.int64]
    chain: npt.NDArray[np.int64]
    appeal: Array


def found_places(city: CityMap, n: int, chain_share: float, rng: np.random.Generator) -> Places:
    """Invent places: where they lie, what they are, what they are called."""
    share = np.array([k.share for k in KINDS])
    counts = np.maximum(np.floor(share / share.sum() * n), 1).astype(int)
    while counts.sum() != n:  # the largest kinds take up what rounding left, or give
        counts[np.argsort(-counts)[: abs(n - counts.sum())]] += np.sign(n - counts.sum())
    kind = np.repeat(np.arange(len(KINDS)), counts)
    xy = scatter(city, n, rng)
    chain = _found_chains(kind, chain_share, rng)
    lat, lon = to_degrees(xy)
    frame = pd.DataFrame(
        {
            "item_id": [f"p{i:05d}" for i in range(n)],
            "name": _names(city, kind, chain, xy, rng),
            "category": [KINDS[k].category for k in kind],
            "category_group": [KINDS[k].group for k in kind],
            "lat": lat,
            "lon": lon,
        }
    )
    centrality = np.exp(-np.hypot(*xy.T) / (0.6 * city.radius_m))
    appeal = rng.lognormal(0.0, 0.7, n) * (0.5 + centrality)
    return Places(frame, xy, kind.astype(np.int64), chain, appeal)


def scatter(city: CityMap, n: int, rng: np.random.Generator) -> Array:
    """Draw points on land, denser near the centre and around the middles of neighbourhoods. Shape (n, 2)."""
    points: Array = np.zeros((0, 2))
    weight = np.exp(-np.hypot(*city.seeds_m.T) / (0.45 * city.radius_m))
    while len(points) < n:
        near = city.seeds_m[rng.choice(len(weight), n, p=weight / weight.sum())]
        clustered = near + rng.normal(0, 0.06 * city.radius_m, (n, 2))
        spread = rng.normal(0, 0.42 * city.radius_m, (n, 2))
        drawn = np.where(rng.random((n, 1)) < 0.7, clustered, spread)
        points = np.vstack([points, drawn[city.contains(drawn)]])
    return points[:n]


def _found_chains(kind: npt.NDArray[np.int_], share: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Join places of one kind into chains, few large and many small ones."""
    chain = np.full(len(kind), -1, dtype=np.int64)
    number = 0
    eligible = np.array([k.chains for k in KINDS])
    boost = 1 / max(float(eligible[kind].mean()), 1e-9)
    for k in np.flatnonzero(eligible):
        members = rng.permutation(np.flatnonzero(kind == k))
        members = members[: round(len(members) * min(share * boost, 0.9))]
        while len(members) >= 3:
            size = min(3 + int(rng.geometric(1 / (MEAN_BRANCHES - 2))), len(members))
            chain[members[:size]] = number
            members, number = members[size:], number + 1
    return chain


def _names(
    city: CityMap, kind: npt.NDArray[np.int_], chain: npt.NDArray[np.int64], xy: Array, rng: np.random.Generator
) -> list[str]:
    """Name every place: branches of a chain alike, everything else once."""
    persons = shuffled((SURNAMES, ["'s"]), "", rng)
    signs = shuffled((["The "], MOODS, [" "], THINGS), "", rng)
    firms = shuffled((SURNAMES, [" & "], STEMS), "", rng)
    coined = shuffled((CHAIN_STARTS, CHAIN_ENDS), "", rng)
    area_of = np.argmin(((xy[:, None, :] - city.seeds_m[None]) ** 2).sum(axis=-1), axis=1)
    areas = city.neighbourhoods["name"].astype(object).tolist()
    chain_name: dict[int, str] = {}
    taken: set[str] = set()
    names: list[str] = []
    for i, k in enumerate(kind.tolist()):
        noun = KINDS[k].nouns[int(rng.integers(len(KINDS[k].nouns)))]
        if (number := int(chain[i])) >= 0:
            if number not in chain_name:
                chain_name[number] = f"{next(coined)} {noun}"
            names.append(chain_name[number])
            continue
        naming = KINDS[k].naming
        if naming == "area":
            name = f"{areas[area_of[i]]} {noun}"
        elif naming == "person":
            name = f"{next(persons)} {noun}"
        else:
            name = f"{next(firms if naming == 'firm' else signs)} {noun}"
        while name in taken:  # two parks of one neighbourhood
            name = f"{STEMS[int(rng.integers(len(STEMS)))]} {name}"
        taken.add(name)
        names.append(name)
    return names
