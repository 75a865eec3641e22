"""`lgsid card`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.pipeline.command import AsStage, command

if TYPE_CHECKING:
    from rich.console import RenderableType


@command(stage=AsStage(code=("lgsid.metrics.card:quality_card",)))
def card(
    sids: str,
    *,
    items: str | None = None,
    embeddings: str | None = None,
    output: str | None = None,
    json: bool = False,
) -> RenderableType:
    """Judge the quality of any semantic IDs, without training.

    Args:
        sids: sids.parquet, or the .index.json of LC-Rec, LETTER and MiniOneRec.
        items: Their items, GeoParquet, Parquet, CSV or JSON, with or without coordinates.
        embeddings: Embeddings of the items, Parquet.
        output: Folder for card.json and sids.parquet; nothing is written without it.
        json: Print JSON.
    """
    from json import dumps

    from lgsid.artefacts import Embeddings, SemanticIDs, read_items
    from lgsid.artefacts.files import write_json
    from lgsid.artefacts.names import CARD_FILE, SIDS_FILE
    from lgsid.metrics import quality_card, render_card

    table = read_items(items) if items else None
    codes = SemanticIDs.read(sids, table)
    found = quality_card(codes, table, Embeddings.read(embeddings) if embeddings else None)
    if output is not None:
        codes.write(Path(output) / SIDS_FILE)
        write_json(Path(output) / CARD_FILE, found)
    return dumps(found, indent=2, allow_nan=False) if json else render_card(found)
