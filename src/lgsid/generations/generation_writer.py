"""Write the files of a generation, its manifest last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from lgsid import __version__
from lgsid.artefacts.codes import code_columns
from lgsid.artefacts.files import write_json, write_text
from lgsid.artefacts.hashes import file_hash
from lgsid.artefacts.names import (
    CAPACITY_FILE,
    CURRENT_FILE,
    DELTA_FILE,
    MANIFEST_FILE,
    OPEN_FILE,
    RELABELING_FILE,
    SIDS_FILE,
    SLOTS_FILE,
)
from lgsid.artefacts.sids_file import GENERATION, GENERATION_KEY, generation_name
from lgsid.artefacts.tables import with_metadata, write_parquet
from lgsid.errors import LgsidError
from lgsid.generations.capacity import capacity_of
from lgsid.generations.change import Change
from lgsid.generations.generation import LEFT, OPEN, RETIRED
from lgsid.generations.manifest import Manifest
from lgsid.generations.register import SCHEMA, Register
from lgsid.system_errors import writing

FILES = (SIDS_FILE, SLOTS_FILE, DELTA_FILE, CAPACITY_FILE, OPEN_FILE, RELABELING_FILE)


class GenerationWriter:
    """Write a generation into a folder that does not exist yet.

    Args:
        folder: The folder.
        number: Number of the generation.
        parent: Number of the one that it was made from.
        command: What made it.
    """

    def __init__(self, folder: Path, number: int, parent: int | None, command: str) -> None:
        self.folder, self.number, self.parent, self.command = folder, number, parent, command

    def write(self, change: Change) -> None:
        """Write all files.

        Raises:
            NotWritten: if the system does not let them be written.
        """
        with writing(self.folder, "the generations before it are kept"):
            self.folder.mkdir(parents=True)
        register = change.register
        write_parquet(sids_table(register, self.number), self.folder / SIDS_FILE)
        write_parquet(slots_table(register), self.folder / SLOTS_FILE)
        change.delta.write(self.folder / DELTA_FILE)
        if not register.relabeling.is_plain():
            register.relabeling.write(self.folder / RELABELING_FILE)
        opened = register.ids.filter(pa.array(~register.retired)).to_pylist()
        write_text(self.folder / OPEN_FILE, "".join(f"{item_id}\n" for item_id in opened))
        capacity = capacity_of(register)
        write_json(self.folder / CAPACITY_FILE, {**capacity, **change.told})
        written = {name: file_hash(self.folder / name) for name in FILES if (self.folder / name).is_file()}
        Manifest(
            self.number,
            self.parent,
            self.command,
            __version__,
            change.tokenizer,
            capacity["places"],
            change.delta.counts,
            written,
        ).write(self.folder)


def sids_table(register: Register, number: int) -> pa.Table:
    """Return the table from place to semantic ID of a generation, in the order of rows."""
    columns = {"item_id": register.ids, **code_columns(register.codes), "retired": pa.array(register.retired)}
    table = pa.table({**columns, **{name: register.places[name] for name in SCHEMA.names[1:]}})
    about = {**register.metadata, GENERATION_KEY: generation_name(number)}
    return with_metadata(table, {**about, "codebook_sizes": list(register.codebook_sizes)})


def slots_table(register: Register) -> pa.Table:
    """Return the table from semantic ID to place, sorted."""
    taken = register.taken
    owners = np.concatenate([np.arange(len(register)), register.left_rows])
    states = np.where(register.retired, 1, 0)
    states = np.concatenate([states, np.full(len(register.left_rows), 2)])
    order = np.lexsort(taken.T[::-1])
    ids = register.ids.take(pa.array(owners[order]))
    state = pa.array([OPEN, RETIRED, LEFT]).take(pa.array(states[order]))
    return pa.table({**code_columns(taken[order]), "item_id": ids, "state": state})


def sweep(root: Path) -> None:
    """Remove what a killed writer left: folders of generations without a manifest, half a pointer.

    Raises:
        LgsidError: if such a folder holds what no generation has.
    """
    for pointer in root.glob(f".{CURRENT_FILE}.*.partial"):
        pointer.unlink()
    for folder in sorted(root.iterdir()):
        if GENERATION.fullmatch(folder.name) and folder.is_dir() and not (folder / MANIFEST_FILE).is_file():
            left = sorted(folder.iterdir())
            partial = tuple(f".{name}." for name in (*FILES, MANIFEST_FILE))
            others = [path for path in left if path.name not in FILES and not path.name.startswith(partial)]
            if others:
                raise LgsidError(f"{others[0]}: is not of a generation, so nothing was removed; move it away")
            for path in left:
                path.unlink()
            folder.rmdir()
