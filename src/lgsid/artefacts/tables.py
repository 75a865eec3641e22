"""Parquet tables with checksums, and with the metadata that lgsid keeps inside them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lgsid.artefacts.columns import repeated_names
from lgsid.artefacts.dataset_hash import check_dataset_hash
from lgsid.artefacts.files import atomic_path, parse_json_text
from lgsid.artefacts.parquet_seal import EMPTY, SEAL_KEY, check_seal, seal
from lgsid.artefacts.stage_record import check_recorded
from lgsid.errors import LgsidError

BATCH_ROWS = 16_384  # rows decoded at once
METADATA_KEY = b"lgsid"


def open_parquet(path: str | Path, columns: Iterable[str], kind: str) -> pa.Table:
    """Read a Parquet file and check that it has `columns`.

    Args:
        path: The file.
        columns: Names of the columns it must have; all others are read as well.
        kind: What the file should be, for the error message ("items table").

    Raises:
        LgsidError: if the file is missing, unreadable or damaged, or lacks a column.
    """
    path = Path(path)
    if not path.is_file():
        raise LgsidError(f"{path}: no such file (expected the {kind})")
    check_recorded(path)
    check_dataset_hash(path)
    check_seal(path)
    try:
        # whole columns of vectors at once would take four times the memory of what comes of them
        with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False, buffer_size=1 << 20) as file:
            table = pa.Table.from_batches(file.iter_batches(BATCH_ROWS), file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:  # a name that is no UTF-8 is a ValueError
        raise LgsidError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from error
    if twice := repeated_names(table.column_names):
        raise LgsidError(f"{path}: column {twice[0]!r} occurs more than once; rename one of them")
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise LgsidError(
            f"{path}: not a {kind}: missing column {', '.join(missing)}; it has {', '.join(table.column_names)}"
        )
    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != SEAL_KEY}
    return table.replace_schema_metadata(metadata or None)


def write_parquet(table: pa.Table, path: str | Path) -> None:
    """Write a table as Parquet, atomically, with a checksum of every page and a hash of the whole file."""
    sealable = table.replace_schema_metadata({**(table.schema.metadata or {}), SEAL_KEY: EMPTY})
    with atomic_path(path) as partial:
        pq.write_table(sealable, partial, write_page_checksum=True)
        seal(partial)


def read_metadata(table: pa.Table, path: str | Path, key: bytes = METADATA_KEY) -> dict[str, Any]:
    """Return the metadata of a table under a key, lgsid's own by default; empty if it has none.

    Raises:
        LgsidError: if they are no JSON object.
    """
    raw = (table.schema.metadata or {}).get(key)
    found = parse_json_text(raw, f"{path}: metadata {key.decode()!r}") if raw else {}
    if not isinstance(found, dict):
        raise LgsidError(f"{path}: metadata {key.decode()!r} are no JSON object; write the file again")
    return found


def to_frame(path: str | Path, table: pa.Table) -> pd.DataFrame:
    """Return a table as a data frame by the types of its columns, whatever pandas noted beside them.

    Encoded columns are decoded, binary ones that hold UTF-8 are texts.

    Raises:
        LgsidError: if a column has a type that pandas cannot hold.
    """
    columns = {name: _plain_column(table[name]) for name in table.column_names}
    try:
        return pd.DataFrame({name: column.to_pandas() for name, column in columns.items()})
    except (pa.ArrowException, ValueError, TypeError, LookupError, OverflowError) as error:
        raise LgsidError(f"{path}: not readable as a table ({str(error).splitlines()[0]})") from error


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        try:
            return column.cast(pa.string())
        except pa.ArrowInvalid:  # not UTF-8: stays binary, which no reader takes for a text
            return column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:  # a text only by its type
            return column.cast(pa.large_binary() if pa.types.is_large_string(kind) else pa.binary())
    return column


def table_html(title: str, frame: pd.DataFrame) -> str:
    """Return a title and a short table as HTML, for a notebook."""
    table = frame.to_html(index=False, border=0, float_format=lambda value: f"{value:.5g}")
    return f"<p>{html.escape(title)}</p>\n{table}"


def with_metadata(table: pa.Table, metadata: Mapping[str, Any]) -> pa.Table:
    """Return `table` with `metadata` stored in its schema, beside what is already there."""
    raw = json.dumps(metadata, sort_keys=True).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), METADATA_KEY: raw})
