"""`lgsid scale embed | sample | tokenize | card | neighbors`: catalogues that do not fit in memory, in parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.pipeline.command import command

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lgsid.scale import Executor


def executor_of(workers: int, cpus: float = 1.0, gpus: float = 0.0) -> Executor:
    """Return who runs the parts: this process, or workers of Ray.

    Raises:
        LgsidError: if there shall be workers, and Ray Data is not installed.
    """
    from lgsid import plugins
    from lgsid.scale import LocalExecutor, RayExecutor

    plugins.load()
    return RayExecutor(workers, cpus, gpus) if workers else LocalExecutor()


@command(reads_configs=True)
def embed(catalogue: str, *, config: str, output: str, workers: int = 0, cpus: float = 1.0, gpus: float = 0.0) -> str:
    """Write the places of a catalogue with their vectors, a file for each file.

    Args:
        catalogue: Folder of Parquet files of places.
        config: YAML file with encoder and prompts.
        output: Folder for the places with vectors.
        workers: Number of Ray actors; 0 for this process alone.
        cpus: Cores of each actor.
        gpus: Accelerators of each actor, or a share of one.
    """
    from lgsid.scale import embed_catalogue

    done = embed_catalogue(catalogue, config, output, executor_of(workers, cpus, gpus))
    return f"{output}: {done:,} places with vectors"


@command()
def sample(embedded: str, *, output: str, items: int = 200_000, seed: int = 0, workers: int = 0) -> str:
    """Write a random sample of a catalogue as a dataset, for `lgsid fit`.

    Args:
        embedded: Folder of places with vectors, in parts.
        output: Folder for the dataset and embeddings.parquet.
        items: About how many places; all if there are no more.
        seed: Random seed.
        workers: Number of Ray actors; 0 for this process alone.
    """
    from lgsid.scale import sample_catalogue

    dataset = sample_catalogue(embedded, items, output, executor_of(workers), seed)
    return f"{output}: {len(dataset.items):,} places; fit a tokenizer on them"


@command()
def tokenize(embedded: str, *, checkpoint: str, output: str, workers: int = 0) -> str:
    """Write the semantic IDs of a catalogue, in parts that are sorted by them.

    Args:
        embedded: Folder of places with vectors, in parts.
        checkpoint: model.ckpt of a tokenizer that was fitted on a sample.
        output: Folder for sids, manifest.json and the sorted runs.
        workers: Number of Ray actors; 0 for this process alone.
    """
    from lgsid.scale import tokenize_catalogue

    manifest = tokenize_catalogue(embedded, checkpoint, output, executor_of(workers))
    return f"{output}: semantic IDs of {manifest['items']:,} places"


@command()
def card(
    tokenized: str, *, embedded: str | None = None, queries: int = 1_024, seed: int = 0, workers: int = 0
) -> RenderableType:
    """Judge the semantic IDs of a catalogue, and write card.json beside them.

    Args:
        tokenized: Folder that `lgsid scale tokenize` wrote.
        embedded: Folder of the places with vectors, for the nearest vectors of a sample among all.
        queries: About how many places are in that sample.
        seed: Random seed of the samples.
        workers: Number of Ray actors; 0 for this process alone.
    """
    from lgsid.metrics import render_card
    from lgsid.scale import card_of_catalogue

    return render_card(card_of_catalogue(Path(tokenized), executor_of(workers), embedded, queries, seed=seed))


@command()
def neighbors(catalogue: str, *, output: str, k: int = 10, workers: int = 0) -> str:
    """Write the nearest places of every place of a catalogue, exactly.

    Args:
        catalogue: Folder of Parquet files of places.
        output: Folder for neighbors, a file for each cell, and the places sorted by cell.
        k: Number of neighbors.
        workers: Number of Ray actors; 0 for this process alone.
    """
    from lgsid.scale import neighbors_of_catalogue

    done = neighbors_of_catalogue(catalogue, output, executor_of(workers), k)
    return f"{output}: nearest places of {done:,} places"
