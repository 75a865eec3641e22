"""The files of a table in parts: which there are, reading them batch by batch, writing them so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lgsid.artefacts.hashes import file_hash
from lgsid.artefacts.items import Items
from lgsid.artefacts.parquet_seal import EMPTY, SEAL_KEY, check_seal, find_seal, seal
from lgsid.artefacts.tables import BATCH_ROWS, to_frame, with_metadata
from lgsid.errors import LgsidError, located

ENDING = ".parquet"
SORTED_ROWS = 4_096  # rows of a row group in a sorted part: what a reader of a range reads too much
NOT_OF_ITEMS = ("geometry", "vector")  # columns that are not read into a table of items


def part_files(folder: str | Path) -> list[Path]:
    """Return the Parquet files of a folder in the order of their names, with absolute paths, for any worker.

    Raises:
        LgsidError: if there is no such folder, or none in it.
    """
    found = sorted(path for path in Path(folder).resolve().glob(f"*{ENDING}") if not path.name.startswith("."))
    if not found:
        raise LgsidError(f"{folder}: no Parquet files there; a table in parts is a folder of them, one for each part")
    return found


def content_id(path: Path) -> str:
    """Return what tells the content of a file: the hash inside it, where lgsid wrote it, else that of its bytes."""
    if path.suffix == ENDING:
        with path.open("rb") as file:
            _, found = find_seal(file)
        if found and found != EMPTY:
            return found.decode("ascii")
    return file_hash(path)


def batches(path: Path, columns: tuple[str, ...] = (), rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """Read a part batch by batch, in the order of its rows.

    Args:
        path: The file.
        columns: Columns that it must have.
        rows: Rows of a batch, at most.

    Raises:
        LgsidError: if it is missing, damaged or lacks a column.
    """
    if not path.is_file():
        raise LgsidError(f"{path}: no such file (expected a part of a table)")
    check_seal(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False, buffer_size=1 << 20) as file:
            schema = file.schema_arrow
            if missing := [name for name in columns if name not in schema.names]:
                raise LgsidError(f"{path}: missing column {', '.join(missing)}; it has {', '.join(schema.names)}")
            for batch in file.iter_batches(rows):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as error:
        raise LgsidError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from error


def items_of(table: pa.Table, where: str | Path) -> Items:
    """Return the places of a table in memory.

    Raises:
        LgsidError: naming the file, if the table holds none.
    """
    frame = to_frame(where, table.select([name for name in table.column_names if name not in NOT_OF_ITEMS]))
    with located(where):
        return Items.from_frame(frame)


def vectors_column(vectors: np.ndarray[Any, np.dtype[np.float32]]) -> pa.FixedSizeListArray:
    """Return vectors (N, D) as a column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).reshape(-1)), vectors.shape[1])


@contextmanager
def part_writer(path: Path, metadata: Mapping[str, Any]) -> Iterator[PartWriter]:
    """Write a part table by table; it is sealed with a hash of itself when the block ends."""
    writer = PartWriter(path, metadata)
    try:
        yield writer
        writer.close()
        seal(path)
    finally:
        writer.close()


class PartWriter:
    """Writes tables of one schema to a Parquet file.

    Args:
        path: The file.
        metadata: Plain values that are kept in it.
    """

    def __init__(self, path: Path, metadata: Mapping[str, Any]) -> None:
        self.path, self.metadata = path, metadata
        self.file: pq.ParquetWriter | None = None

    def write(self, table: pa.Table, row_group: int = BATCH_ROWS) -> None:
        """Append a table."""
        table = with_metadata(table.replace_schema_metadata({SEAL_KEY: EMPTY}), self.metadata)
        if self.file is None:
            self.file = pq.ParquetWriter(self.path, table.schema, write_page_checksum=True)
        self.file.write_table(table, row_group_size=row_group)

    def close(self) -> None:
        """End the file."""
        if self.file is not None:
            self.file.close()
            self.file = None


def rows_in_range(paths: list[Path], column: str, start: int, end: int) -> pa.Table:
    """Return the rows whose `column` is from `start` to before `end`, of parts that are sorted by it.

    Row groups outside the range are not read, by their statistics in the footers.
    """
    wanted = (pc.field(column) >= start) & (pc.field(column) < end)
    tables = [
        ds.dataset(path, format="parquet").to_table(filter=wanted, use_threads=False).replace_schema_metadata(None)
        for path in paths
    ]
    return pa.concat_tables(tables)
