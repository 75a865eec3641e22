"""The contract of a task: its metrics, its slices, its controls, and what it keeps of every user."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import is_finite_number, read_json
from lgsid.artefacts.names import METRICS_FILE
from lgsid.benchmark.comparison import REPLICATES, Comparison
from lgsid.errors import LgsidError
from lgsid.metrics.metric_spec import MetricColumn, MetricSpec, SliceSpec, columns

CONTROLS = Path(__file__).resolve().parents[1] / "controls"


class Task(ABC):
    """Something that methods are compared on. Stateless.

    `reference` names what a suite must point at, for the controls to copy: the stage of the semantic IDs, of the
    model; `optional_reference` what it may point at: the stage that wrote vectors before and after an alignment.
    """

    name: str
    title: str
    primary: str
    slices: tuple[SliceSpec, ...]
    reference: tuple[str, ...] = ("sids", "model")
    optional_reference: tuple[str, ...] = ("vectors",)
    interval: str = (
        "Mean over the seeds, with the 95 % interval of a bootstrap over users; the spread between seeds is not in it."
    )

    @property
    def controls(self) -> Path:
        """The file with the stages and methods that every suite of this task gets."""
        return CONTROLS / f"{self.name}.yaml"

    def needs_reference(self, settings: Collection[str]) -> bool:
        """Tell whether a suite must say what its controls copy.

        Args:
            settings: Dotted keys that its stages set.
        """
        return True

    @property
    @abstractmethod
    def metrics(self) -> tuple[MetricSpec, ...]:
        """All metrics of the task, in the order of their declaration."""

    @property
    def columns(self) -> tuple[MetricSpec, ...]:
        """The metrics that the leaderboard compares, the primary one first."""
        return tuple(sorted((m for m in self.metrics if m.compared), key=lambda metric: metric.key != self.primary))

    def table(self, primaries: Sequence[str]) -> list[MetricColumn[MetricSpec]]:
        """Return the columns that the table of a suite has beside its primary metrics."""
        return [column for column in columns(self.metrics, self.slices, "suite") if column.key not in primaries]

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the metrics of all slices."""
        return tuple(part.key + column.key for part in self.slices for column in self.columns)

    def title_of(self, key: str) -> str:
        """Return the heading of a metric, slice included.

        Raises:
            KeyError: if the task has no such metric.
        """
        return self.metric_column(key).title

    def metric_column(self, key: str) -> MetricColumn[MetricSpec]:
        """Return a metric and its slice by name, slice included.

        Raises:
            KeyError: if the task has no such metric.
        """
        found = {part.key + metric.key: MetricColumn(metric, part) for part in self.slices for metric in self.columns}
        return found[key]

    def measured(self, folder: Path, part: str) -> dict[str, float]:
        """Return the metrics of a method from the folder of its stage, without the name of the split.

        Args:
            folder: The folder of a complete stage.
            part: The method's name in it, where one stage measures several.

        Raises:
            LgsidError: if the stage holds none.
        """
        prefix = f"{part}/test/" if part else "test/"
        found = read_json(folder / METRICS_FILE)
        numbers = {key[len(prefix) :]: value for key, value in found.items() if key.startswith(prefix)}
        if not numbers:
            raise LgsidError(f"{folder / METRICS_FILE}: no metric {prefix}...; the stage must test what it trained")
        return {key: float(value) for key, value in numbers.items() if is_finite_number(value)}

    def extras(self, folder: Path, dataset: Path) -> dict[str, Any]:
        """Return what else a result file of this task holds, by key."""
        return {}

    def pictures(self, folder: Path, dataset: Path) -> dict[str, Any]:
        """Return what else the result file of a method's first seed holds, by key: what is large, and much alike."""
        return {}

    @abstractmethod
    def per_user_file(self, part: str) -> str | None:
        """Return the name of the file in a stage's folder that holds the results of every user, `None` if none does."""

    @abstractmethod
    def compare(
        self,
        cells: Mapping[str, Sequence[Mapping[str, Any]]],
        files: Mapping[str, Sequence[Path]],
        dataset: Path,
        replicates: int = REPLICATES,
    ) -> Comparison:
        """Compare methods.

        Args:
            cells: Method -> its result files' contents, one per seed.
            files: Method -> the files with the results of every user, in the same order.
            dataset: Folder of the prepared dataset.
            replicates: Replicates of a bootstrap over users, where there is one.
        """
