"""How good are semantic IDs, without any recommender? The numbers of the quality card (FIELD 3.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts import Items, SemanticIDs
from lgsid.artefacts.files import read_json
from lgsid.artefacts.names import CARD_FILE, ITEMS_FILE, SIDS_FILE
from lgsid.benchmark.city_map import city_map
from lgsid.benchmark.columns import Column, Slice
from lgsid.benchmark.comparison import Comparison, compare_seeds
from lgsid.benchmark.tasks.task import Task
from lgsid.metrics.card import flat_metrics


class SidQuality(Task):
    """Judge semantic IDs by the places that share them."""

    name = "sid_quality"
    title = "Quality of semantic IDs"
    primary = "km@1"
    columns = (
        Column("km@1", "km, 1 code", "Median distance of two places that share the first code.", False, 2),
        Column("km@2", "km, 2 codes", "Median distance of two places that share the first two codes.", False, 2),
        Column("nmi@1/category", "NMI category", "Information that the first code has of the category.", True),
        Column("nmi@1/region_2", "NMI region", "Information that the first code has of the finest region.", True),
        Column("nmi@2/category", "NMI category, 2", "The same of the first two codes.", True),
        Column("same_name@1", "branches, 1", "Share of pairs of one name that the first code tells apart.", True),
        Column("same_name@2", "branches, 2", "Share of pairs of one name that two codes tell apart.", True),
        Column("collision_before", "collisions", "Share of places that shared all codes before resolution.", False),
        Column("collision_rate", "after", "The same after resolution.", False),
        Column("distinct_share", "distinct", "Distinct semantic IDs over places.", True),
        Column("perplexity_1", "used, 1", "Perplexity of the first code over its codebook size.", True),
        Column("reconstruction_error", "error", "Share of the vectors' variance that the codes lose.", False),
    )
    slices = (Slice("", "all places", "Every place of the dataset."),)
    table = ("km@2", "nmi@1/category", "same_name@2", "collision_before", "distinct_share")
    reference = ("sids",)
    interval = "Mean over the seeds, with a 95 % Student interval over them; differences are paired by seed."

    def metrics(self, folder: Path, part: str) -> dict[str, float]:
        """Return the flat numbers of the card."""
        card = read_json(folder / CARD_FILE)
        first, before = card["by_level"][0], card.get("before_resolution")
        known = {"collision_before": float(before["collision_rate"])} if before else {}
        return {**flat_metrics(card), **known, "perplexity_1": first["perplexity"] / first["size"]}

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
    ) -> Comparison:
        """Student intervals over seeds."""
        found = {name: {cell["seed"]: cell["metrics"] for cell in group} for name, group in cells.items()}
        known = {name: {s: {k: m[k] for k in self.keys if k in m} for s, m in g.items()} for name, g in found.items()}
        return compare_seeds(known)
