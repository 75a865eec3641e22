"""`lgsid tokenize`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.pipeline.command import AsStage, command

if TYPE_CHECKING:
    from rich.console import RenderableType


@command(stage=AsStage(code=("lgsid.tokenizers.apply:tokenize",)))
def tokenize(*, checkpoint: str, dataset: str, output: str, embeddings: str | None = None) -> RenderableType:
    """Give semantic IDs to items with a trained tokenizer.

    Args:
        checkpoint: model.ckpt of a tokenizer.
        dataset: Folder of a prepared dataset.
        output: Folder for sids.parquet, sids.index.json and card.json.
        embeddings: Embeddings of the items, Parquet.
    """
    from lgsid import plugins
    from lgsid.artefacts.files import read_json
    from lgsid.artefacts.names import CARD_FILE
    from lgsid.metrics import render_card
    from lgsid.tokenizers.apply import tokenize as apply

    plugins.load()
    apply(checkpoint, dataset, embeddings, Path(output))
    return render_card(read_json(Path(output) / CARD_FILE))
