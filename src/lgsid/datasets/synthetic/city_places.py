"""The places of the synthetic city."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.datasets.synthetic.city_plan import Array, CityPlan, to_degrees
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
    """The N places of the city.

    Args:
        frame: Columns `item_id, name, category, category_group, lat, lon`.
        xy_m: Shape (N, 2), meters east and north of the center.
        kind: Index into `KINDS`, shape (N,).
        chain: Chain number, -1 for none, shape (N,).
        appeal: Attractiveness regardless of distance, shape (N,).
    """

    frame: pd.DataFrame
    xy_m: Array
    kind: npt.NDArray[np.int64]
    chain: npt.NDArray[np.int64]
    appeal: Array

    @cached_property
    def reach_km(self) -> Array:
        """Scale of the distance decay of each place's kind, shape (N,)."""
        return np.array([kind.reach_km for kind in KINDS])[self.kind]


def create_places(city: CityPlan, n: int, chain_share: float, rng: np.random.Generator) -> Places:
    """Generate places: positions, kinds, chains and names."""
    share = np.array([k.share for k in KINDS])
    counts = np.maximum(np.floor(share / share.sum() * n), 1).astype(int)
    while counts.sum() != n:  # the largest kinds absorb the rounding error
        counts[np.argsort(-counts)[: abs(n - counts.sum())]] += np.sign(n - counts.sum())
    kind = np.repeat(np.arange(len(KINDS)), counts)
    xy = scatter(city, n, rng)
    chain = _create_chains(kind, chain_share, rng)
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


def scatter(city: CityPlan, n: int, rng: np.random.Generator) -> Array:
    """Sample points on land, denser near the center and in the middle of neighborhoods. Shape (n, 2)."""
    points: Array = np.zeros((0, 2))
    weight = np.exp(-np.hypot(*city.seeds_m.T) / (0.45 * city.radius_m))
    while len(points) < n:
        near = city.seeds_m[rng.choice(len(weight), n, p=weight / weight.sum())]
        clustered = near + rng.normal(0, 0.06 * city.radius_m, (n, 2))
        spread = rng.normal(0, 0.42 * city.radius_m, (n, 2))
        drawn = np.where(rng.random((n, 1)) < 0.7, clustered, spread)
        points = np.vstack([points, drawn[city.contains(drawn)]])
    return points[:n]


def _create_chains(kind: npt.NDArray[np.int_], share: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Group places of one kind into chains, few large and many small ones."""
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
    city: CityPlan, kind: npt.NDArray[np.int_], chain: npt.NDArray[np.int64], xy: Array, rng: np.random.Generator
) -> list[str]:
    """Name every place: branches of a chain share a name, all other names are unique."""
    persons = shuffled((SURNAMES, ["'s"]), "", rng)
    signs = shuffled((["The "], MOODS, [" "], THINGS), "", rng)
    firms = shuffled((SURNAMES, [" & "], STEMS), "", rng)
    coined = shuffled((CHAIN_STARTS, CHAIN_ENDS), "", rng)
    area_of = np.argmin(((xy[:, None, :] - city.seeds_m[None]) ** 2).sum(axis=-1), axis=1)
    areas = city.neighborhoods["name"].astype(object).tolist()
    chain_name: dict[int, str] = {}
    used: set[str] = set()
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
        while name in used:  # two parks of one neighborhood
            name = f"{STEMS[int(rng.integers(len(STEMS)))]} {name}"
        used.add(name)
        names.append(name)
    return names
