"""`lgsid sids`: semantic IDs that live while places open, move and close."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lgsid.artefacts import Embeddings, Items
    from lgsid.generations.update import Update


@command()
def publish(root: str, *, sids: str, items: str, checkpoint: str | None = None) -> RenderableType:
    """Make the first generation of semantic IDs, from a file of them.

    Args:
        root: Folder of the generations; made if it does not exist.
        sids: Semantic IDs, each of one place: sids.parquet, or an .index.json.
        items: Their items table, or the folder of a prepared dataset; its order is that of rows from now on.
        checkpoint: model.ckpt of the tokenizer that made them; without it, no place can be appended.
    """
    from lgsid.artefacts import SemanticIDs
    from lgsid.generations import Generations
    from lgsid.generations.generation_view import render_outcome

    places = read_places(items)
    return render_outcome(Generations(root).publish(SemanticIDs.read(sids, places), places, checkpoint))


@command()
def append(
    root: str, *, items: str, embeddings: str | None = None, checkpoint: str | None = None, dry_run: bool = False
) -> RenderableType:
    """Publish new places behind those that are there; a retired one that is back gets its own semantic ID.

    Args:
        root: Folder of the generations.
        items: Items table of the places, or the folder of a prepared dataset.
        embeddings: Their embeddings, Parquet, if the tokenizer needs them.
        checkpoint: Where the model.ckpt of the tokenizer is now, if it is not where it was.
        dry_run: Say what would change and write nothing.
    """
    from lgsid import plugins
    from lgsid.generations import Append

    plugins.load()
    return updated(root, Append(read_places(items), read_vectors(embeddings), checkpoint=checkpoint), dry_run)


@command()
def retire(root: str, *, places: str, dry_run: bool = False) -> RenderableType:
    """Mark places as closed; their semantic IDs are given to nobody else.

    Args:
        root: Folder of the generations.
        places: Text file with one item id on each line, or an items table.
        dry_run: Say what would change and write nothing.
    """
    from lgsid.artefacts import read_items
    from lgsid.generations import Retire
    from lgsid.recommenders.place_filters import Among

    is_text = Path(places).suffix in ("", ".txt")
    ids = Among.of_file(places).item_ids if is_text else read_items(places).ids.tolist()
    return updated(root, Retire(ids), dry_run)


@command()
def move(
    root: str,
    *,
    items: str,
    embeddings: str | None = None,
    reassign: bool = False,
    checkpoint: str | None = None,
    dry_run: bool = False,
) -> RenderableType:
    """Take new positions and names of places, and tell whose semantic IDs are out of date.

    Args:
        root: Folder of the generations.
        items: Items table of published places as they are now, or the folder of a prepared dataset.
        embeddings: Their embeddings now, Parquet, if the tokenizer needs them.
        reassign: Give a new semantic ID to places whose own is out of date; by default all keep theirs.
        checkpoint: Where the model.ckpt of the tokenizer is now, if it is not where it was.
        dry_run: Say what would change and write nothing.
    """
    from lgsid import plugins
    from lgsid.generations import Move

    plugins.load()
    update = Move(read_places(items), read_vectors(embeddings), reassign, checkpoint=checkpoint)
    return updated(root, update, dry_run)


@command()
def refit(
    root: str, *, sids: str, checkpoint: str | None = None, relabeler: str = "ByPrefix", dry_run: bool = False
) -> RenderableType:
    """Replace all semantic IDs by those of another tokenizer, with labels under which they change least.

    Args:
        root: Folder of the generations.
        sids: Semantic IDs of all published places, retired ones too, by the new tokenizer.
        checkpoint: Its model.ckpt; without it, no place can be appended later.
        relabeler: ByPrefix (labels below every prefix, least churn), ByLevel (one label for each code of a level,
            which keeps shared codebooks) or AsTheyAre.
        dry_run: Say what would change and write nothing.
    """
    from lgsid.artefacts import SemanticIDs
    from lgsid.generations import AsTheyAre, ByLevel, ByPrefix, Refit
    from lgsid.plugins import suggestion

    known = {one.__name__: one for one in (ByPrefix, ByLevel, AsTheyAre)}
    if relabeler not in known:
        raise LgsidError(f"--relabeler {relabeler!r}: unknown; {suggestion(relabeler, known)}")
    return updated(root, Refit(SemanticIDs.read(sids), checkpoint, known[relabeler]()), dry_run)


@command()
def rollback(root: str, *, to: int | None = None) -> str:
    """Make an earlier generation the current one; those after it stay readable.

    Args:
        root: Folder of the generations.
        to: Its number; that of the parent of the current one by default.
    """
    from lgsid.generations import Generations

    found = Generations(root).rollback(to)
    return f"{root}: generation {found.number} is the current one, {found.manifest.counts['open']:,} open places"


@command()
def diff(root: str, old: int | None = None, new: int | None = None, *, json: bool = False) -> RenderableType:
    """Tell what changed between two generations: places, codes by level, capacity.

    Args:
        root: Folder of the generations.
        old: Number of one; the parent of the other by default.
        new: Number of the other; the current one by default.
        json: Print JSON.
    """
    from json import dumps

    from lgsid.generations import Generations
    from lgsid.generations.difference import Difference
    from lgsid.generations.generation_view import render_difference

    generations = Generations(root)
    later = generations.current if new is None else generations[new]
    number = later.manifest.parent if old is None else old
    if number is None:
        raise LgsidError(f"{root}: generation {later.number} is the first one; give two generations to compare")
    found = Difference(generations[number], later).to_dict()
    return dumps(found, indent=2, allow_nan=False) if json else render_difference(found)


@command()
def list_generations(root: str) -> RenderableType:
    """List the generations; a star marks the current one.

    Args:
        root: Folder of the generations.
    """
    from lgsid.generations import Generations
    from lgsid.generations.generation_view import list_table

    generations = Generations(root)
    return list_table(list(generations), generations.current.number)


@command()
def status(root: str, *, generation: int | None = None, verify: bool = False, json: bool = False) -> RenderableType:
    """Tell what a generation holds, and how full it is.

    Args:
        root: Folder of the generations.
        generation: Its number; the current one by default.
        verify: Read every file to see whether it is as it was written.
        json: Print JSON: manifest and capacity.
    """
    from json import dumps

    from lgsid.generations import Generations
    from lgsid.generations.generation_view import render_status

    generations = Generations(root)
    current = generations.current
    found = current if generation is None else generations[generation]
    if verify:
        found.verify()
    if json:
        return dumps({**found.manifest.to_dict(), "capacity": found.capacity}, indent=2, allow_nan=False)
    return render_status(found, found.number == current.number)


def updated(root: str, update: Update, dry_run: bool) -> RenderableType:
    """Make the next generation, and return what there is to say of it."""
    from lgsid.generations import Generations
    from lgsid.generations.generation_view import render_outcome

    return render_outcome(Generations(root).update(update, dry_run))


def read_places(path: str) -> Items:
    """Read an items table, or that of a prepared dataset."""
    from lgsid.artefacts import read_items
    from lgsid.artefacts.names import ITEMS_FILE

    return read_items(Path(path) / ITEMS_FILE if Path(path).is_dir() else path)


def read_vectors(path: str | None) -> Embeddings | None:
    """Read embeddings, if there are any."""
    from lgsid.artefacts import Embeddings

    return None if path is None else Embeddings.read(path)
