"""How good are vectors of places, without any recommender? What `lgsid evaluate` finds of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import read_json
from lgsid.artefacts.names import METRICS_FILE
from lgsid.benchmark.comparison import REPLICATES, Comparison, compare_seeds, compare_users
from lgsid.benchmark.embedding_evaluation import AFTER, CONTROL
from lgsid.benchmark.embedding_files import RANKS_FILE, read_ranks
from lgsid.benchmark.ranking_scores import RankingScores
from lgsid.benchmark.tasks.task import Task
from lgsid.errors import LgsidError
from lgsid.metrics.next_place_declarations import DISTANCE, ORIGINS, RANKINGS, with_distance
from lgsid.metrics.place_vector_declarations import (
    PLACE_SLICES,
    PRIMARY,
    VECTOR_METRICS,
    VectorMetric,
    compared_numbers,
    distance_numbers,
)


class PlaceVectors(Task):
    """Judge vectors of places by the next place, by what is near and by what is alike.

    A method is a stage that evaluates vectors. Part `control` of it is nearness alone.
    """

    name = "place_vectors"
    title = "Vectors of places"
    primary = PRIMARY
    slices = PLACE_SLICES
    reference = ("vectors",)
    optional_reference = ()
    interval = (
        "Mean over the seeds. Next places with the 95 % interval of a bootstrap over users, without the spread between"
        " seeds; neighborhoods and sentences with a Student interval over seeds."
    )

    @property
    def metrics(self) -> tuple[VectorMetric, ...]:
        """The numbers of vectors that have a column."""
        return VECTOR_METRICS

    def measured(self, folder: Path, part: str) -> dict[str, float]:
        """Return the numbers of the vectors, or of nearness alone."""
        prefix = f"{part or AFTER}/"
        found = read_json(folder / METRICS_FILE)
        numbers = {key[len(prefix) :]: float(value) for key, value in found.items() if key.startswith(prefix)}
        if not numbers:
            raise LgsidError(f"{folder / METRICS_FILE}: no metric {prefix}...; the stage must run `evaluate`")
        return distance_numbers(numbers) if part == CONTROL else compared_numbers(numbers)

    def per_user_file(self, part: str) -> str | None:
        """Ranks of every query."""
        return RANKS_FILE.format(when=AFTER)

    def compare(
        self,
        cells: Mapping[str, Sequence[Mapping[str, Any]]],
        files: Mapping[str, Sequence[Path]],
        dataset: Path,
        replicates: int = REPLICATES,
    ) -> Comparison:
        """Bootstrap over users where there are ranks, Student intervals over seeds elsewhere."""
        by_user = [part.key + m.key for part in PLACE_SLICES for m in VECTOR_METRICS if m.by_user]
        others = [key for key in self.keys if key not in by_user]
        scores = {
            name: [ranking_scores(path, is_control(cell)) for path, cell in zip(paths, cells[name], strict=True)]
            for name, paths in files.items()
        }
        seeds = {
            name: {cell["seed"]: {k: cell["metrics"][k] for k in others if k in cell["metrics"]} for cell in group}
            for name, group in cells.items()
        }
        return compare_users(scores, replicates).only(by_user).merged(compare_seeds(seeds))


def is_control(cell: Mapping[str, Any]) -> bool:
    """Tell whether a result is that of nearness alone."""
    return bool(cell["method"].get("part") == CONTROL)


def ranking_scores(path: Path, is_control: bool) -> RankingScores:
    """Read the ranks of every query; those of nearness alone stand under the names of the rankings with distance."""
    columns, inside, queries = read_ranks(path)
    added = {with_distance(origin).key for origin in ORIGINS}
    asked = {r.key: DISTANCE.key if is_control else r.key for r in RANKINGS if r.key in added or not is_control}
    ranks = {
        f"{part.key}{key}/": (columns[column] if not part.key else columns[column] * inside[part.key])
        for part in PLACE_SLICES
        for key, column in asked.items()
    }
    return RankingScores(str(path), columns["user"], ranks, queries)
