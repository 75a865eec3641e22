"""`lgsid card`."""

from __future__ import annotations

from collections.abc import Sequence
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
    dataset: str | None = None,
    embeddings: str | None = None,
    compare: Sequence[str] = (),
    output: str | None = None,
    json: bool = False,
    logger: str | None = None,
) -> RenderableType:
    """Judge the quality of any semantic IDs, without training.

    Args:
        sids: sids.parquet, or the .index.json of LC-Rec, LETTER and MiniOneRec.
        items: Their items, GeoParquet, Parquet, CSV or JSON, with or without coordinates.
        dataset: Folder of a prepared dataset, for its items and for the next visits of its validation split.
        embeddings: Embeddings of the items, Parquet.
        compare: Other semantic IDs of the same items, to show their numbers beside; give it once for each file.
        output: Folder for card.json and sids.parquet; nothing is written without it.
        json: Print JSON.
        logger: Config with trainer.logger, such as logger/wandb.yaml: card and map go there, too.
    """
    from json import dumps

    from lgsid.artefacts import Dataset, Embeddings, SemanticIDs, read_items
    from lgsid.artefacts.check_in_log import CheckInLog
    from lgsid.artefacts.files import write_json
    from lgsid.artefacts.names import CARD_FILE, SIDS_FILE
    from lgsid.errors import LgsidError
    from lgsid.metrics import compare_cards, quality_card, render_card

    if items and dataset:
        raise LgsidError("card: --items and --dataset both name the items; give one of them")
    data = Dataset.read(dataset) if dataset else None
    table, log = (data.items, CheckInLog.of(data)) if data else (read_items(items) if items else None, None)
    codes = SemanticIDs.read(sids, table)
    found = quality_card(codes, table, Embeddings.read(embeddings) if embeddings else None, log=log)
    others = {path: quality_card(SemanticIDs.read(path, table), table, log=log) for path in compare}
    if output is not None:
        codes.write(Path(output) / SIDS_FILE)
        write_json(Path(output) / CARD_FILE, found)
    if logger is not None:
        from lgsid.logs.logged_card import log_card

        log_card(logger, Path(output or "."), codes, table, found)
    if json:
        return dumps({sids: found, **others} if others else found, indent=2, allow_nan=False)
    return compare_cards({sids: found, **others}) if others else render_card(found)
