"""A quality card in a logger."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgsid.artefacts import Items, SemanticIDs
from lgsid.logs.configured_loggers import configured_loggers
from lgsid.logs.logged_results import LoggedResults
from lgsid.metrics.card_view import card_rows
from lgsid.plots import prefix_distances, save_png, sid_map
from lgsid.report.report_table import ReportTable

NAME = "card"


def log_card(config: str | Path, folder: Path, sids: SemanticIDs, items: Items | None, card: Mapping[str, Any]) -> None:
    """Log a quality card as values and as a table; where the places have coordinates, their map and distances, too.

    Args:
        config: Config with `trainer.logger`.
        folder: Folder of the result; its `log` takes what the logger writes.
        sids: The semantic IDs.
        items: Their items, if known.
        card: What `quality_card` returned.
    """
    table = ReportTable("Quality of the semantic IDs", ("", "value", "beside"), tuple(card_rows(card)), 1)
    with configured_loggers(config, folder, NAME) as loggers, tempfile.TemporaryDirectory(prefix="lgsid-") as pictures:
        figures: dict[str, tuple[Path, str]] = {}
        if items is not None and items.located.all():
            drawn = {
                "map": (sid_map(items, {NAME: sids}), "Where the places of one prefix lie"),
                "prefix_distances": (prefix_distances(items, {NAME: sids}), "How far apart they are, depth by depth"),
            }
            for name, (figure, caption) in drawn.items():
                figures[name] = (Path(pictures) / f"{name}.png", caption)
                save_png(figure, figures[name][0])
        LoggedResults({NAME: table}, figures, {NAME: card}).log(loggers)
