"""`lgsid evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lgsid.pipeline.command import AsStage, command

if TYPE_CHECKING:
    from rich.console import RenderableType

CODE = (
    "lgsid.benchmark.embedding_evaluation:evaluate_embeddings",
    "lgsid.benchmark.sentence_evaluation:sentence_metrics",
)


@command(stage=AsStage(code=CODE))
def evaluate(
    embeddings: str,
    *,
    dataset: str,
    reference: str | None = None,
    adapter: str | None = None,
    held_out_share: float = 0.2,
    held_out_seed: int = 0,
    split: Literal["validation", "test"] = "test",
    output: str | None = None,
) -> RenderableType:
    """Judge vectors of places: do they know the next place, what is near, and what is alike?

    Args:
        embeddings: Vectors of the places, Parquet.
        dataset: Folder of a prepared dataset, whether the encoder was aligned on it or on another.
        reference: Vectors of the same places before the alignment, Parquet.
        adapter: Folder of the adapter that made the vectors, to ask the encoder about everyday sentences.
        held_out_share: Share of the places that was held out from the alignment.
        held_out_seed: Random seed that tells which.
        split: Split of the check-ins that are asked about.
        output: Folder for metrics.json, comparison.json and the ranks of every query; nothing is written without it.
    """
    from dataclasses import replace

    from rich.console import Group

    from lgsid.artefacts import Dataset, Embeddings
    from lgsid.benchmark.embedding_evaluation import evaluate_embeddings
    from lgsid.benchmark.embedding_files import write_evaluation
    from lgsid.benchmark.embedding_tables import tables_of
    from lgsid.benchmark.sentence_evaluation import sentence_metrics

    places, vectors = Dataset.read(dataset), Embeddings.read(embeddings)
    before = Embeddings.read(reference) if reference else None
    sentences = sentence_metrics(vectors, adapter) if adapter else {}
    found = evaluate_embeddings(places, vectors, before, held_out_share, held_out_seed, split)
    found = replace(found, metrics={**found.metrics, **sentences})
    if output is not None:
        write_evaluation(found, Path(output))
    return Group(*tables_of(found, dict(enumerate(places.region_names, start=1))))
