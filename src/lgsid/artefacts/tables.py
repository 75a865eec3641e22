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

from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.stage_record import check_recorded
from lgsid.errors import LgsidError

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
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise LgsidError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise LgsidError(
            f"{path}: not a {kind}: missing column {', '.join(missing)}; it has {', '.join(table.column_names)}"
        )
    return table


def write_parquet(table: pa.Table, path: str | Path) -> None:
    """Write a table as Parquet, atomically, with a checksum of every page."""
    with atomic_path(path) as partial:
        pq.write_table(table, partial, write_page_checksum=True)


def read_metadata(table: pa.Table) -> dict[str, Any]:
    """Return the lgsid metadata of a table, empty if it has none."""
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    return dict(json.loads(raw)) if raw else {}


def table_html(title: str, frame: pd.DataFrame) -> str:
    """Return a title and a short table as HTML, for a notebook."""
    table = frame.to_html(index=False, border=0, float_format=lambda value: f"{value:.5g}")
    return f"<p>{html.escape(title)}</p>\n{table}"


def with_metadata(table: pa.Table, metadata: Mapping[str, Any]) -> pa.Table:
    """Return `table` with `metadata` stored in its schema, beside what is already there."""
    raw = json.dumps(metadata, sort_keys=True).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), METADATA_KEY: raw})
