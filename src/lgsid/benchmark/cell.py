"""One number of the leaderboard: a method, on a dataset, from a seed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from lgsid.benchmark.definition import definitions, seedless
from lgsid.benchmark.suite import Method, Suite, SuiteDataset
from lgsid.errors import LgsidError
from lgsid.pipeline.pipeline import Pipeline
from lgsid.plugins import suggestion

ANY_SEED = "any"


@dataclass(frozen=True)
class Cell:
    """One cell of a suite.

    Args:
        suite: The suite.
        dataset: The dataset.
        method: The method.
        seed: The seed, `None` for a method that draws nothing and is the same for all.
        pipeline: The recipe that holds its stages.
        definition: Hash of all that defines it.
    """

    suite: Suite
    dataset: SuiteDataset
    method: Method
    seed: int | None
    pipeline: Pipeline
    definition: str

    @property
    def name(self) -> str:
        """What `--only` calls it: `dataset.split/method/seed`."""
        return f"{self.dataset.key}/{self.method.name}/{ANY_SEED if self.seed is None else self.seed}"

    @property
    def folder(self) -> Path:
        """The folder of the stage that measures it."""
        return self.pipeline.folder(self.method.stage)

    def result_path(self, results: Path) -> Path:
        """Return its result file in a folder of results."""
        seed = ANY_SEED if self.seed is None else self.seed
        return results / self.suite.name / self.dataset.key / f"{self.method.name}.{seed}.json"

    def stages(self) -> list[str]:
        """Return the stages that it needs, in the order in which they run, its own last."""
        needed: set[str] = set()
        waiting = [self.method.stage]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += self.pipeline.stages[name].needs
        return [name for name in self.pipeline.stages if name in needed]

    def matches(self, pattern: str) -> bool:
        """Tell whether a pattern means it: its whole name, or a part between two slashes, with `*` and `?`."""
        parts = (self.name, *self.name.split("/"), self.dataset.name, self.dataset.split)
        return any(fnmatchcase(part, pattern) for part in parts)


def cells_of(suite: Suite, runs: Path) -> Iterator[Cell]:
    """Yield the cells of a suite: by dataset, then seed, then method; those without a seed once."""
    for dataset in suite.datasets:
        for number, seed in enumerate(suite.seeds):
            pipeline = suite.pipeline(dataset, seed, runs)
            hashes = definitions(pipeline)
            for method in suite.methods.values():
                same = seedless(pipeline, pipeline.stages[method.stage])
                if not same or number == 0:
                    own = None if same else seed
                    yield Cell(suite, dataset, method, own, pipeline, hashes[method.stage])


def chosen_cells(suite: Suite, runs: Path, only: Collection[str]) -> list[Cell]:
    """Return the cells that every pattern of one dimension means; all without a pattern.

    A pattern with slashes is a whole name, `foursquare_nyc.temporal/*/2026`; one without is a dataset, a split, a
    method or a seed. Several patterns add up.

    Raises:
        LgsidError: if a pattern means no cell.
    """
    cells = list(cells_of(suite, runs))
    if not only:
        return cells
    for pattern in only:
        if not any(cell.matches(pattern) for cell in cells):
            known = {part for cell in cells for part in (*cell.name.split("/"), cell.dataset.name)}
            raise LgsidError(f"--only {pattern}: no such cell in suite {suite.name}; {suggestion(pattern, known)}")
    return [cell for cell in cells if any(cell.matches(pattern) for pattern in only)]
