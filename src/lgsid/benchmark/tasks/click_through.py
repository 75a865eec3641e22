"""Will the user go there? One place that the user went to against four others (FIELD 3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.artefacts.names import PER_SAMPLE_FILE, of_part
from lgsid.benchmark.click_scores import ClickScores
from lgsid.benchmark.columns import Column, Slice
from lgsid.benchmark.comparison import Comparison, compare_users
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.benchmark.tasks.task import Task


class ClickThrough(Task):
    """Tell the place that the user went to from four others, the same for all methods."""

    name = "click_through"
    title = "Click-through"
    primary = "auc"
    columns = (
        Column("auc", "AUC", "Chance that a place somebody went to scores above one that nobody did.", True, 4),
        Column("gauc", "GAUC", "AUC inside each user, averaged with the user's number of samples.", True, 4),
        Column("near_auc", "AUC, near", "AUC against the negatives within 5 km of the last place.", True, 4),
        Column("logloss", "log loss", "Mean negative log-likelihood, for scores that are probabilities.", False, 4),
    )
    slices = (
        Slice("", "all samples", "Every sample."),
        Slice("new/", "new places", "Samples whose place is new to the user."),
        Slice("revisit/", "revisits", "Samples whose place the user has been to."),
    )

    table = ("gauc", "near_auc", "logloss", "new/auc")

    def per_user_file(self, part: str) -> str | None:
        """Scores of every sample."""
        return of_part(PER_SAMPLE_FILE, part)

    def compare(
        self,
        cells: Mapping[str, Sequence[Mapping[str, Any]]],
        files: Mapping[str, Sequence[Path]],
        dataset: Path,
    ) -> Comparison:
        """Bootstrap over users."""
        slices = QuerySlices.of(dataset)
        scores = {
            name: [
                ClickScores.read(path, slices.is_new(path), logits="logloss" in cell["metrics"])
                for path, cell in zip(paths, cells[name], strict=True)
            ]
            for name, paths in files.items()
        }
        return compare_users(scores)
