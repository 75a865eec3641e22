"""`lgsid export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsid.pipeline.command import AsStage, command

if TYPE_CHECKING:
    from lgsid.stores import VectorStore


def store_named(store: str | dict[str, Any]) -> VectorStore:
    """Make a store by the name of its class, or by `class_path` and `init_args`.

    Raises:
        LgsidError: if no installed package has it, or it does not take its arguments.
    """
    from lgsid.errors import LgsidError, located
    from lgsid.plugins import load_kind, suggestion
    from lgsid.stores import store_of

    name, known = store if isinstance(store, str) else str(store.get("class_path", "")), load_kind("vector_stores")
    if "." not in name and name not in known:
        raise LgsidError(f"store: unknown class {name!r}; {suggestion(name, known)}")
    with located("store"):
        return store_of(store)


def check_store(store: str | dict[str, Any] = "LanceStore", **options: Any) -> None:
    """Refuse a store that is not installed, or does not take its arguments."""
    store_named(store)


@command(stage=AsStage(check=check_store), reads_configs=True)
def export(embeddings: str, *, output: str, sids: str | None = None, store: str | dict[str, Any] = "LanceStore") -> str:
    """Write vectors and semantic IDs of places to the files of a vector store, for retrieval.

    What is written is searched once: how many of the ten nearest of a thousand places are found is printed.

    Args:
        embeddings: Vectors of the places, Parquet.
        output: Folder for the files, none of which may be there.
        sids: Semantic IDs of the places, Parquet or .index.json.
        store: Class of the store (LanceStore, UsearchStore, FaissStore), or "{class_path: ..., init_args: {...}}".
    """
    from lgsid.artefacts import Embeddings, SemanticIDs
    from lgsid.stores import PlaceVectors, recall_at

    made = store_named(store)
    places = PlaceVectors(Embeddings.read(embeddings), SemanticIDs.read(sids) if sids else None)
    made.export(places, output)
    recall, n, k = recall_at(made, places, Path(output))
    names = ", ".join(made.files)
    return f"{names}: {len(places):,} places; recall@{k} of {n:,} of them against brute force {recall:.3f}"
