"""Synthetic places by the million, in parts: cities of the synthetic city's plan, their sizes by a power law.

    python benchmarks/scale/synthetic_places.py PLACES FOLDER

City r of C has a share of the places in proportion to 1 / r (Zipf), C is one for each 10,000 places. A city is one of
`PLANS` plans of `lgsid.datasets.SyntheticCity`, as large as keeps its density, at a random position between 55 degrees
south and 65 north; its places are those of that city: kinds, chains, names. Parts follow the cities, so that a large
city lies in several, and each part is made from the seed and its number alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lgsid.datasets.synthetic.city_places import create_places
from lgsid.datasets.synthetic.city_plan import METERS_PER_DEGREE, CityPlan, create_plan
from lgsid.scale import LocalExecutor, Step, Task
from lgsid.scale.part_files import part_writer
from lgsid.scale.parts_run import run_parts
from lgsid.scale.task import names

PLANS, RADIUS_M, PLACES_OF_RADIUS = 32, 6_000.0, 20_000
PLACES_OF_A_CITY, PLACES_OF_A_PART, FEWEST = 10_000, 100_000, 60


class SyntheticPlacesStep(Step):
    """Make the places of one part.

    Args:
        n_places: Number of places of all parts.
        seed: Random seed.
    """

    def __init__(self, n_places: int, seed: int = 0) -> None:
        self.n_places, self.seed = n_places, seed

    def describe(self) -> Mapping[str, Any]:
        """Return the arguments."""
        return {"n_places": self.n_places, "seed": self.seed}

    def make(self, task: Task, target: Path) -> Mapping[str, Any]:
        """Write the places of the cities, or parts of cities, between two numbers of places."""
        start, end = task.settings["start"], task.settings["end"]
        ends = np.cumsum(city_sizes(self.n_places))
        frames = []
        for city in range(int(np.searchsorted(ends, start, side="right")), len(ends)):
            first, last = max(start, int(ends[city - 1]) if city else 0), min(end, int(ends[city]))
            if first >= last:
                break
            frames.append(self.places(city, int(np.diff(ends, prepend=0)[city]), first, last))
        with part_writer(target, {}) as writer:
            writer.write(pa.Table.from_pandas(pd.concat(frames), preserve_index=False))
        return {"rows": end - start}

    def places(self, city: int, size: int, first: int, last: int) -> pd.DataFrame:
        """Return the places of a city whose numbers are from `first` to before `last`."""
        rng = np.random.default_rng([self.seed, city, first])
        plan, count = plan_of(city % PLANS), last - first
        made = create_places(plan, max(count, FEWEST), 0.3, rng)
        kept = rng.permutation(len(made.frame))[:count]
        scale = max(size / PLACES_OF_RADIUS, 0.01) ** 0.5
        center = np.random.default_rng([self.seed, city])
        lat, lon = center.uniform(-55, 65), center.uniform(-180, 180)
        north, east = scale * made.xy_m[kept, 1], scale * made.xy_m[kept, 0]
        area = ((made.xy_m[kept, None] - plan.seeds_m[None]) ** 2).sum(axis=-1).argmin(axis=1)
        return made.frame.iloc[kept].assign(
            item_id=[f"p{number:09d}" for number in range(first, last)],
            brand="",
            lat=lat + north / METERS_PER_DEGREE,
            lon=(lon + east / (METERS_PER_DEGREE * np.cos(np.radians(lat))) + 180) % 360 - 180,
            region_1=f"City {city}",
            region_2=plan.neighborhoods["name"].to_numpy(object)[area],
        )


@lru_cache(maxsize=PLANS)
def plan_of(number: int) -> CityPlan:
    """Return one of the plans."""
    return create_plan(7, 28, RADIUS_M, np.random.default_rng([number]))


def city_sizes(n_places: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return how many places each city has, the largest first."""
    rank = np.arange(1, max(n_places // PLACES_OF_A_CITY, 10) + 1)
    share = (1 / rank) / (1 / rank).sum()
    sizes = np.floor(share * n_places).astype(np.int64)
    sizes[0] += n_places - sizes.sum()
    return sizes


def write_places(n_places: int, folder: Path) -> None:
    """Write a catalogue in parts."""
    starts = range(0, n_places, PLACES_OF_A_PART)
    tasks = [
        Task(name, (), "", {"start": start, "end": min(start + PLACES_OF_A_PART, n_places)})
        for name, start in zip(names(len(starts)), starts, strict=True)
    ]
    run_parts(SyntheticPlacesStep(n_places), tasks, folder, LocalExecutor())


if __name__ == "__main__":
    write_places(int(sys.argv[1]), Path(sys.argv[2]))
