"""Judge any semantic IDs, without training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgsid.pipeline.verbs.verb import Job, Verb


class Card(Verb):
    """`lgsid card`."""

    required = ("sids", "items")
    optional = ("embeddings",)
    needs_config = False
    seeded = False

    @property
    def code(self) -> tuple[str, ...]:
        """The quality card."""
        return ("lgsid.metrics.card:quality_card",)

    def run(self, job: Job) -> Mapping[str, Any]:
        """Write `card.json`, and the semantic IDs beside it."""
        from lgsid.artefacts import Embeddings, SemanticIDs, read_items
        from lgsid.artefacts.files import write_json
        from lgsid.artefacts.names import CARD_FILE, SIDS_FILE
        from lgsid.metrics import quality_card

        options = dict(job.options)
        items = read_items(options["items"])
        sids = SemanticIDs.read(options["sids"], items)
        vectors = Embeddings.read(options["embeddings"]) if options.get("embeddings") else None
        sids.write(Path(job.folder) / SIDS_FILE)
        write_json(Path(job.folder) / CARD_FILE, quality_card(sids, items, vectors))
        return options
