"""What is done to a catalogue in parts: vectors, a sample to fit on, semantic IDs, their card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings, vectors_of_column
from lgsid.artefacts.files import parse_json, read_json, write_json
from lgsid.artefacts.hashes import text_hash
from lgsid.artefacts.held_out import held_out
from lgsid.artefacts.interactions import COLUMNS
from lgsid.artefacts.items import Items
from lgsid.artefacts.names import CARD_FILE, EMBEDDINGS_FILE, MANIFEST_FILE
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.tables import write_parquet
from lgsid.errors import LgsidError
from lgsid.scale.card_step import CardStep
from lgsid.scale.catalogue_card import catalogue_card, neighborhood_card
from lgsid.scale.counts import added, collisions_of
from lgsid.scale.embed_step import EmbedStep
from lgsid.scale.encode_step import EncodeStep
from lgsid.scale.encoder_config import settings_of
from lgsid.scale.executor import Executor
from lgsid.scale.part_files import batches, items_of, part_files
from lgsid.scale.part_record import PartRecord
from lgsid.scale.parts_run import run_parts
from lgsid.scale.resolve_step import ResolveStep
from lgsid.scale.sample_step import SampleStep
from lgsid.scale.spread_step import SpreadStep
from lgsid.scale.task import Task, names, tasks_of
from lgsid.scale.vector_neighbors_step import VectorNeighborsStep, nearest_rows

SIDS, RUNS, SPREAD, COUNTS, NEAR, ROWS = "sids", "runs", "spread", "counts", "near", "rows"  # folders
QUERIES_FILE = "queries.parquet"
PLACES_OF_A_RANGE = 100_000  # places whose collisions are resolved at once, unless one first code has more


def embed_catalogue(catalogue: str | Path, config: str | Path, output: str | Path, executor: Executor) -> int:
    """Write the places of a catalogue with their vectors, a file for each file, and return how many there are.

    Args:
        catalogue: Folder of Parquet files of places, as `Items` has them.
        config: YAML file with `encoder` and `prompts`.
        output: Folder for the same places with a column `vector`.
        executor: Who runs it.

    Raises:
        LgsidError: if a file cannot be read, or the encoder not be loaded.
    """
    records = run_parts(EmbedStep(settings_of(config)), tasks_of(catalogue), output, executor)
    return rows_in(records)


def sample_catalogue(
    embedded: str | Path, n_items: int, output: str | Path, executor: Executor, seed: int = 0
) -> Dataset:
    """Write a random sample of a catalogue as a dataset without check-ins and `embeddings.parquet`, to fit on.

    Args:
        embedded: Folder of places with vectors, in parts.
        n_items: About how many places; all where there are no more.
        output: Folder for the dataset and the embeddings.
        executor: Who runs it.
        seed: Random seed.

    Raises:
        LgsidError: if a file cannot be read.
    """
    output = Path(output)
    table = sampled_rows(embedded, n_items, output / ROWS, executor, seed)
    items = items_of(table, embedded)
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS[:2]})
    empty = empty.assign(time=pd.Series(dtype="datetime64[us, UTC]"), split=pd.Series(dtype=object))
    dataset = Dataset.from_frames(pd.DataFrame(items.frame.drop(columns="geometry")), empty, "sample")
    dataset.write(output)
    Embeddings(items.ids, vectors_of_column(table["vector"], str(embedded))).write(output / EMBEDDINGS_FILE)
    return dataset


def sampled_rows(embedded: str | Path, n_items: int, folder: Path, executor: Executor, seed: int) -> pa.Table:
    """Return about `n_items` random rows of a table in parts, told by a hash of their ids."""
    total = sum(pq.read_metadata(path).num_rows for path in part_files(embedded))
    if n_items < 1:
        raise LgsidError(f"sample: expected a positive number of places, got {n_items}")
    run_parts(SampleStep(min(1.0, n_items / total), seed), tasks_of(embedded), folder, executor)
    return pa.concat_tables(
        table.replace_schema_metadata(None) for path in part_files(folder) for table in batches(path)
    )


def tokenize_catalogue(
    embedded: str | Path, checkpoint: str | Path, output: str | Path, executor: Executor
) -> dict[str, Any]:
    """Write the semantic IDs of a catalogue in parts, sorted by them, those that the tokenizer gives all at once.

    Three passes: codes of every place, sorted runs of them; the places of crowded first codes, if there are any, in one
    process; and the collision strategy on ranges of first codes. Each goes on where it was interrupted.

    Args:
        embedded: Folder of places with vectors, in parts; without, for a tokenizer that needs none.
        checkpoint: `model.ckpt` of a tokenizer.
        output: Folder for `sids/`, `manifest.json` and the runs.
        executor: Who runs it.

    Returns:
        The manifest: codebook sizes, number of items, and what the tokenizer tells of its codes.

    Raises:
        LgsidError: if a file cannot be read, or the collision strategy looks at all items at once.
    """
    output = Path(output).resolve()
    encode = EncodeStep(checkpoint)
    encode.open()
    strategy, sizes = encode.tokenizer.collisions, encode.tokenizer.codebook_sizes
    if not strategy.by_first_code:
        raise LgsidError(
            f"{checkpoint}: {type(strategy).__name__} looks at all items at once, which a catalogue in parts does not"
            " allow; NearestFreeCode, CounterSuffix and NoResolution do not"
        )
    runs = run_parts(encode, tasks_of(embedded), output / RUNS, executor)
    held = np.sum([record.told["held"] for record in runs], axis=0)
    strategy.check(int(held.sum()), sizes)
    files = tuple(str(path) for path in part_files(output / RUNS))
    identity = text_hash(record.content for record in runs)
    moved, crowd = None, {}
    if strategy.crowded(held, sizes).any():
        task = Task("moved", files, identity)
        (record,) = run_parts(SpreadStep(checkpoint, held.tolist()), [task], output / SPREAD, executor)
        moved, crowd = str(output / SPREAD / "moved.parquet"), dict(record.told)
        identity = text_hash([identity, record.content])
    tasks = [
        Task(name, files, identity, {"start": start, "end": end})
        for name, (start, end) in zip(names(len(held)), ranges_of(held.tolist(), PLACES_OF_A_RANGE), strict=False)
    ]
    records = run_parts(ResolveStep(checkpoint, moved), tasks, output / SIDS, executor)
    manifest = {**encode.tokenizer.about(), **told_of(records), "spread": crowd}
    write_json(output / MANIFEST_FILE, manifest)
    return manifest


def ranges_of(held: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Cut first codes into ranges `(start, end)` of at most so many places each, or of a single used code.

    Args:
        held: Places of each first code.
        most: Places of a range.
    """
    found: list[tuple[int, int]] = []
    start, inside = 0, 0
    for code, count in enumerate(held):
        if inside and inside + count > most:
            found.append((start, code))
            start, inside = code, 0
        inside += count
    return [*found, (start, len(held))] if inside else found


def told_of(records: Sequence[PartRecord]) -> dict[str, Any]:
    """Return what the manifest tells of the semantic IDs of all ranges, as a tokenizer tells it of all at once."""
    told = [record.told for record in records]
    items = rows_in(records)
    before = collisions_of(added(each["before"] for each in told))
    squares = None
    if all(each["squares"] is not None for each in told):
        squares = np.sum([each["squares"] for each in told], axis=0)
    errors = [None, None] if squares is None else [float(lost / max(whole, 1e-12)) for lost, whole in squares]
    names_of = ("collision_rate", "distinct_share", "largest_bucket")
    return {
        "items": items,
        "codebook_sizes": np.max([each["codebook_sizes"] for each in told], axis=0).tolist(),
        "before_resolution": {**{name: before[name] for name in names_of}, "reconstruction_error": errors[0]},
        "changed_by_resolution": (np.sum([each["changed"] for each in told], axis=0) / items).tolist(),
        "reconstruction_error": errors[1],
    }


def card_of_catalogue(
    tokenized: str | Path,
    executor: Executor,
    embedded: str | Path | None = None,
    queries: int = 1_024,
    k: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Write `card.json` of a tokenized catalogue, see `catalogue_card`, and return it.

    Args:
        tokenized: Folder that `tokenize_catalogue` wrote.
        executor: Who runs it.
        embedded: Folder of the places with vectors, for the neighbors of a sample of places among all.
        queries: About how many places are sampled.
        k: Number of neighbors.
        seed: Random seed of the samples.

    Raises:
        LgsidError: if a file cannot be read.
    """
    tokenized = Path(tokenized)
    manifest = read_json(tokenized / MANIFEST_FILE)
    tasks = tasks_of(tokenized / SIDS)
    run_parts(CardStep(seed=seed), tasks, tokenized / COUNTS, executor)
    counts = [parse_json(tokenized / COUNTS / f"{task.name}.json") for task in tasks]
    sample: Items | None = None
    near: dict[str, Any] = {}
    if embedded is not None:
        places = sampled_rows(embedded, max(queries, 20_000), tokenized / ROWS, executor, seed)
        sample = items_of(places, embedded)
        share = min(1.0, queries / len(places))
        asked = held_out(sample.ids, share, seed + 1) if share < 1 else np.ones(len(sample), bool)
        write_parquet(places.filter(pa.array(asked)).select(["item_id", "vector"]), tokenized / QUERIES_FILE)
        step = VectorNeighborsStep(tokenized / QUERIES_FILE, k)
        run_parts(step, tasks_of(embedded), tokenized / NEAR, executor)
        best: pa.Table | None = None
        for path in part_files(tokenized / NEAR):
            for table in batches(path):
                table = table.replace_schema_metadata(None)
                best = nearest_rows(table if best is None else pa.concat_tables([best, table]), k)
        if best is not None:
            near = neighborhood_card(places.filter(pa.array(asked)), best, k)
    card = {**catalogue_card(counts, manifest, sample), **near}
    write_json(tokenized / CARD_FILE, card)
    return card


def read_semantic_ids(tokenized: str | Path) -> SemanticIDs:
    """Return the semantic IDs of a tokenized catalogue as one table in memory, in their order.

    Raises:
        LgsidError: if a file cannot be read.
    """
    tokenized = Path(tokenized)
    manifest = read_json(tokenized / MANIFEST_FILE)
    parts = [SemanticIDs.read(path) for path in part_files(tokenized / SIDS)]
    ids, codes = np.concatenate([part.item_ids for part in parts]), np.concatenate([part.codes for part in parts])
    metadata = {name: value for name, value in manifest.items() if name != "codebook_sizes"}
    return SemanticIDs(ids, codes, tuple(manifest["codebook_sizes"]), metadata)


def rows_in(records: Sequence[PartRecord]) -> int:
    """Return how many rows all parts have."""
    return sum(int(record.told["rows"]) for record in records)
