"""Deal semantic IDs to places at random, for a control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lgsid.pipeline.verbs.verb import Job, Verb


class Permute(Verb):
    """The same codes on other places: what is left of a result without the meaning of the codes.

    The draw starts from the seed of the pipeline.
    """

    required = ("sids", "items")
    needs_config = False

    @property
    def code(self) -> tuple[str, ...]:
        """What deals the codes, and the quality card."""
        return ("lgsid.tokenizers.permute:permute", "lgsid.metrics.card:quality_card")

    def run(self, job: Job) -> Mapping[str, Any]:
        """Write the semantic IDs, as two kinds of file, their card, and its numbers as `metrics.json`."""
        from lgsid.artefacts import Items, SemanticIDs
        from lgsid.artefacts.files import write_json
        from lgsid.artefacts.names import CARD_FILE, INDEX_FILE, METRICS_FILE, SIDS_FILE
        from lgsid.metrics import flat_metrics, quality_card
        from lgsid.tokenizers.permute import permute

        items = Items.read(job.options["items"])
        sids = permute(SemanticIDs.read(job.options["sids"], items), items, job.pipeline.seed)
        card = quality_card(sids, items)
        sids.write(job.folder / SIDS_FILE)
        sids.write_index_json(job.folder / INDEX_FILE)
        write_json(job.folder / CARD_FILE, card)
        write_json(job.folder / METRICS_FILE, flat_metrics(card))
        return dict(job.options)
