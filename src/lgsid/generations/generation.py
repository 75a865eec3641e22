"""One generation of semantic IDs, for reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lgsid.artefacts.codes import codes_of_columns, level_columns
from lgsid.artefacts.files import parse_json
from lgsid.artefacts.names import (
    CAPACITY_FILE,
    DELTA_FILE,
    RELABELING_FILE,
    SIDS_FILE,
    SLOTS_FILE,
)
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.sids_file import GENERATION_KEY, generation_folder, open_ids
from lgsid.artefacts.tables import open_parquet, read_metadata
from lgsid.errors import LgsidError
from lgsid.generations.delta import Delta
from lgsid.generations.manifest import Manifest
from lgsid.generations.register import SCHEMA, Register
from lgsid.generations.relabeling import Relabeling

LEFT, OPEN, RETIRED = "left", "open", "retired"  # states of a slot


class Generation:
    """A complete generation. Its files never change, so a reader may keep it while others are written.

    Args:
        root: Root of the generations.
        number: Its number.

    Raises:
        LgsidError: if there is no such generation, or its manifest is damaged.
    """

    def __init__(self, root: str | Path, number: int) -> None:
        self.root, self.number = Path(root), number
        self.folder = generation_folder(self.root, number)
        if not self.folder.is_dir():
            raise LgsidError(f"{self.root}: no generation {number}; `lgsid sids list {self.root}` lists them")
        self.manifest = Manifest.read(self.folder)

    def __repr__(self) -> str:
        """Return number and size."""
        return f"Generation({self.number}, {self.manifest.counts['published']:,} places, by {self.manifest.command})"

    def sids(self) -> SemanticIDs:
        """Return the semantic IDs of all places that were ever published, in the order of their rows.

        Retired places are among them, so that what was trained with them still finds them; `open_ids` tells which
        may be recommended.
        """
        return SemanticIDs.read(self.folder / SIDS_FILE)

    def open_ids(self) -> list[str]:
        """Return the ids of the places that are open, in the order of rows."""
        return open_ids(self.folder)

    def slots(self) -> pa.Table:
        """Return every semantic ID that was ever given, sorted: `level_1 .. level_L`, `item_id`, `state`.

        The state is open, retired, or left where the place has another one now.
        """
        return open_parquet(self.folder / SLOTS_FILE, ("level_1", "item_id", "state"), "table of slots")

    def delta(self) -> Delta:
        """Return what changed against the parent; of a generation without one, all places."""
        return Delta.read(self.folder / DELTA_FILE)

    @cached_property
    def capacity(self) -> Mapping[str, Any]:
        """How full it is, see `lgsid.generations.capacity.capacity_of`."""
        found = parse_json(self.folder / CAPACITY_FILE)
        if not isinstance(found, dict) or "by_depth" not in found:
            raise LgsidError(f"{self.folder / CAPACITY_FILE}: damaged; copy it again, or roll back")
        return found

    @cached_property
    def register(self) -> Register:
        """All places with their semantic IDs.

        Raises:
            LgsidError: if a file is missing or damaged.
        """
        self.manifest.check(self.folder, {SIDS_FILE, SLOTS_FILE, RELABELING_FILE} & set(self.manifest.files))
        path = self.folder / SIDS_FILE
        table = open_parquet(path, (*SCHEMA.names, "retired"), "published semantic IDs")
        metadata = read_metadata(table, path)
        metadata.pop(GENERATION_KEY, None)
        names = level_columns(table.column_names, path)
        codes = codes_of_columns({name: table[name] for name in names}, path)
        places = table.select(SCHEMA.names).cast(SCHEMA)
        left = self.slots()
        left = left.filter(np.asarray(left["state"].to_numpy() == LEFT))
        bare = Register(
            places,
            np.asarray(table["retired"], dtype=bool),
            codes,
            tuple(metadata.pop("codebook_sizes")),
            np.zeros(0, dtype=np.int64),
            codes[:0],
            self.relabeling,
            metadata,
        )
        if not left.num_rows:
            return bare
        rows = bare.rows(left["item_id"].combine_chunks())
        vacated = codes_of_columns({name: left[name] for name in names}, self.folder / SLOTS_FILE)
        order = np.lexsort((*vacated.T[::-1], rows))
        return replace(bare, left_rows=rows[order], left_codes=vacated[order])

    @cached_property
    def relabeling(self) -> Relabeling:
        """What leads from the codes of the tokenizer to those of semantic IDs."""
        path = self.folder / RELABELING_FILE
        return Relabeling.read(path) if RELABELING_FILE in self.manifest.files else Relabeling()

    def verify(self) -> None:
        """Read every file.

        Raises:
            LgsidError: naming the first one that is not what was written.
        """
        self.manifest.check(self.folder)
