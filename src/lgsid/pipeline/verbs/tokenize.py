"""Apply a trained tokenizer to other items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lgsid.pipeline.verbs.verb import Job, Verb


class Tokenize(Verb):
    """`lgsid tokenize`."""

    required = ("checkpoint", "dataset")
    optional = ("embeddings",)
    needs_config = False
    seeded = False

    @property
    def code(self) -> tuple[str, ...]:
        """What applies a tokenizer."""
        return ("lgsid.tokenizers.apply:tokenize",)

    def run(self, job: Job) -> Mapping[str, Any]:
        """Write the semantic IDs and their card."""
        from lgsid import plugins
        from lgsid.tokenizers import tokenize

        plugins.load()
        options = dict(job.options)
        tokenize(options["checkpoint"], options["dataset"], options.get("embeddings"), job.folder)
        return options
