"""Read the rows of Parquet files that matter: some columns, the row groups that meet an area, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lgsid.errors import LgsidError
from lgsid_overture.area import Area

BATCH_ROWS = 65_536
SUFFIXES = (".parquet", ".geoparquet", ".pq")


@dataclass(frozen=True)
class PlaceBatch:
    """Rows of one file.

    Args:
        table: The rows, with the columns that were asked for as far as the file has them.
        first: Number of rows before these in this file and all files before it, skipped ones counted.
        skipped: Number of rows of row groups that were passed over since the batch before this one.
    """

    table: pa.Table
    first: int
    skipped: int


def place_files(path: Path) -> list[Path]:
    """Return a file, or all Parquet files in a folder and the folders below it, sorted.

    Raises:
        LgsidError: if there is none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise LgsidError(
            f"{path}: no such file or folder; the README of lgsid-overture has the commands to download one"
        )
    files = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file() and not p.name.startswith("."))
    if not files:
        raise LgsidError(f"{path}: no Parquet files ({', '.join(SUFFIXES)}) in this folder")
    return files


def opened(path: Path) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises:
        LgsidError: if it is none.
    """
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise LgsidError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from error


def leaves(file: pq.ParquetFile) -> list[str]:
    """Return the dotted names of all columns of a file that hold values."""
    return [file.schema.column(i).path for i in range(len(file.schema))]


def read_batches(
    files: Sequence[Path], columns: Sequence[str], area: Area | None, position: tuple[str, str]
) -> Iterator[PlaceBatch]:
    """Yield the rows of files, one batch in memory at a time.

    A row group outside the area is not read, nor are other columns.

    Args:
        files: Parquet files.
        columns: Dotted names of the columns to read; one that a file lacks is left out.
        area: Area to be read; all rows if not given.
        position: Dotted names of the columns with latitudes and longitudes, whose statistics tell where a row group
            lies.

    Raises:
        LgsidError: if a file cannot be read.
    """
    first = skipped = 0
    for path in files:
        with opened(path) as file:
            known = leaves(file)
            wanted = [name for name in columns if any(leaf == name or leaf.startswith(f"{name}.") for leaf in known)]
            for number in range(file.num_row_groups):
                group = file.metadata.row_group(number)
                if area is not None and not area.may_meet(group, *position):
                    first, skipped = first + group.num_rows, skipped + group.num_rows
                    continue
                try:
                    for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], columns=wanted):
                        yield PlaceBatch(pa.Table.from_batches([batch]), first, skipped)
                        first, skipped = first + batch.num_rows, 0
                except (pa.ArrowException, OSError) as error:
                    text = str(error).splitlines()[0]
                    raise LgsidError(f"{path}: damaged, download it again ({text})") from error
    if skipped:
        yield PlaceBatch(pa.table({}), first, skipped)
