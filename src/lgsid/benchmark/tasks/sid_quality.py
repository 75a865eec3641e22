"""How good are semantic IDs, without any recommender? The numbers of the quality card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts import Items, SemanticIDs
from lgsid.artefacts.files import read_json
from lgsid.artefacts.names import CARD_FILE, ITEMS_FILE, SIDS_FILE
from lgsid.benchmark.city_map import city_map
from lgsid.benchmark.comparison import REPLICATES, Comparison, compare_seeds
from lgsid.benchmark.tasks.task import Task
from lgsid.metrics.card import flat_metrics
from lgsid.metrics.card_declarations import PRIMARY, CardMetric, card_metrics
from lgsid.metrics.slices import ITEMS_SLICE


class SidQuality(Task):
    """Judge semantic IDs by the places that share them."""

    name = "sid_quality"
    title = "Quality of semantic IDs"
    primary = PRIMARY
    slices = (ITEMS_SLICE,)
    reference = ("sids",)
    interval = "Mean over the seeds, with a 95 % Student interval over them; differences are paired by seed."

    @property
    def metrics(self) -> tuple[CardMetric, ...]:
        """The numbers of the quality card that have a column."""
        return card_metrics()

    def measured(self, folder: Path, part: str) -> dict[str, float]:
        """Return the flat numbers of the card."""
        card = read_json(folder / CARD_FILE)
        found = {metric.key: metric.value(card) for metric in self.metrics if metric.compared}
        return {**flat_metrics(card), **{key: value for key, value in found.items() if value is not None}}

    def extras(self, folder: Path, dataset: Path) -> dict[str, Any]:
        """Return the card."""
        return {"card": read_json(folder / CARD_FILE)}

    def pictures(self, folder: Path, dataset: Path) -> dict[str, Any]:
        """Return a map that knows grid cells and no place."""
        return {"map": city_map(SemanticIDs.read(folder / SIDS_FILE), Items.read(dataset / ITEMS_FILE))}

    def per_user_file(self, part: str) -> str | None:
        """There are no users."""
        return None

    def compare(
        self,
        cells: Mapping[str, Sequence[Mapping[str, Any]]],
        files: Mapping[str, Sequence[Path]],
        dataset: Path,
        replicates: int = REPLICATES,
    ) -> Comparison:
        """Student intervals over seeds."""
        found = {name: {cell["seed"]: cell["metrics"] for cell in group} for name, group in cells.items()}
        known = {name: {s: {k: m[k] for k in self.keys if k in m} for s, m in g.items()} for name, g in found.items()}
        return compare_seeds(known)
