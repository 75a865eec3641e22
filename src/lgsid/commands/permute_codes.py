"""`lgsid permute-sids`: a control that keeps the shape of semantic IDs and takes their meaning."""

from __future__ import annotations

from pathlib import Path

from lgsid.pipeline.command import AsStage, command

CODE = ("lgsid.tokenizers.permute_sids:permute_across_items", "lgsid.metrics.card:quality_card")


@command(stage=AsStage(code=CODE, seeded=True))
def permute_sids(*, sids: str, items: str, output: str, seed: int = 2026) -> None:
    """Permute semantic IDs randomly across items, as a control.

    Args:
        sids: Semantic IDs of at least these items.
        items: Items table, GeoParquet.
        output: Folder for sids.parquet, sids.index.json, card.json and metrics.json.
        seed: Random seed for the permutation.
    """
    from lgsid.artefacts import Items, SemanticIDs
    from lgsid.artefacts.files import write_json
    from lgsid.artefacts.names import CARD_FILE, INDEX_FILE, METRICS_FILE, SIDS_FILE
    from lgsid.metrics import flat_metrics, quality_card
    from lgsid.tokenizers.permute_sids import permute_across_items

    table, folder = Items.read(items), Path(output)
    permuted = permute_across_items(SemanticIDs.read(sids, table), table, seed)
    card = quality_card(permuted, table)
    permuted.write(folder / SIDS_FILE)
    permuted.write_index_json(folder / INDEX_FILE)
    write_json(folder / CARD_FILE, card)
    write_json(folder / METRICS_FILE, flat_metrics(card))
