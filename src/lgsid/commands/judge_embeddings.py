"""`lgsid evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lgsid.errors import LgsidError
from lgsid.pipeline.command import AsStage, command
from lgsid.plugins import load_kind, suggestion

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lgsid.neighbors import NeighborIndex

CODE = (
    "lgsid.benchmark.embedding_evaluation:evaluate_embeddings",
    "lgsid.benchmark.sentence_evaluation:sentence_metrics",
)


def index_named(name: str) -> NeighborIndex:
    """Return what finds neighbors by the name of its class.

    Raises:
        LgsidError: if no installed package has it.
    """
    known = load_kind("neighbor_indexes")
    if name not in known:
        raise LgsidError(f"neighbors: unknown class {name!r}; {suggestion(name, known)}")
    index: NeighborIndex = known[name]()
    return index


def check_index(neighbors: str = "ExactNeighbors", **options: Any) -> None:
    """Refuse an index of neighbors that is not installed."""
    index_named(neighbors)


@command(stage=AsStage(code=CODE, check=check_index))
def evaluate(
    embeddings: str,
    *,
    dataset: str,
    reference: str | None = None,
    adapter: str | None = None,
    held_out_share: float = 0.2,
    held_out_seed: int = 0,
    split: Literal["validation", "test"] = "test",
    neighbors: str = "ExactNeighbors",
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
        neighbors: Class that finds the nearest vectors, with its default arguments; exactly by default.
        output: Folder for metrics.json, comparison.json and the ranks of every query; nothing is written without it.
    """
    from dataclasses import replace

    from rich.console import Group

    from lgsid.artefacts import Dataset, Embeddings
    from lgsid.benchmark.embedding_evaluation import evaluate_embeddings
    from lgsid.benchmark.embedding_files import write_evaluation
    from lgsid.benchmark.embedding_tables import tables_of
    from lgsid.benchmark.sentence_evaluation import sentence_metrics

    index = index_named(neighbors)
    places, vectors = Dataset.read(dataset), Embeddings.read(embeddings)
    before = Embeddings.read(reference) if reference else None
    sentences = sentence_metrics(vectors, adapter) if adapter else {}
    found = evaluate_embeddings(places, vectors, before, held_out_share, held_out_seed, split, index)
    found = replace(found, metrics={**found.metrics, **sentences})
    if output is not None:
        write_evaluation(found, Path(output))
    return Group(*tables_of(found, dict(enumerate(places.region_names, start=1))))
