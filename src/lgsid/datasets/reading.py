"""Read delimited text files; problems are one-line errors that name the file and the row."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.artefacts.tables import open_parquet
from lgsid.errors import LgsidError

GZIP_MAGIC = b"\x1f\x8b"
MISSING_TEXTS = frozenset({"", "nan", "na", "n/a", "null", "none", "<na>"})


def read_bytes(path: Path) -> bytes:
    """Read a file, decompressed if it is gzip.

    Raises:
        LgsidError: if it is missing, a folder, or a gzip file that is truncated or broken.
    """
    if not path.is_file():
        raise LgsidError(f"{path}: no such file; give the folder of the data as root, or set LGSID_DATA")
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == GZIP_MAGIC else raw
    except EOFError as error:
        raise LgsidError(f"{path}: the gzip file is truncated; download or copy it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise LgsidError(f"{path}: the gzip file is broken ({error}); download or copy it again") from error
    except OSError as error:
        raise LgsidError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_table(
    path: Path,
    columns: Sequence[str],
    *,
    sep: str = ",",
    header: bool = True,
    encoding: str = "utf-8",
    quoting: int = 0,
) -> pd.DataFrame:
    """Read a delimited file with all values as text and without missing-value detection.

    Args:
        path: The file, plain or gzip.
        columns: The columns it must have. Without a header, the names of its columns, in order.
        sep: Separator.
        header: Whether the first line holds the column names.
        encoding: Text encoding.
        quoting: One of the `csv.QUOTE_*` numbers.

    Raises:
        LgsidError: if the file is missing, broken, empty, not in that encoding, lacks a column, or has a line with
            more values than there are columns.
    """
    raw = read_bytes(path)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LgsidError(
            f"{path}: line {line}: byte 0x{raw[error.start]:02x} is not {encoding}; "
            "save the file as UTF-8 or set `encoding` (often latin-1)"
        ) from error
    except LookupError as error:
        raise LgsidError(f"{path}: encoding {encoding!r} is unknown; try utf-8 or latin-1") from error
    options: dict[str, Any] = {"header": 0} if header else {"header": None, "names": list(columns)}
    try:
        frame = pd.read_csv(
            io.StringIO(text.removeprefix("\ufeff")),
            sep=sep,
            dtype=str,
            keep_default_na=False,
            quoting=quoting,
            index_col=False,
            **options,  # type: ignore[call-overload]
        )
    except pd.errors.EmptyDataError as error:
        raise LgsidError(f"{path}: the file is empty") from error
    except ValueError as error:  # pandas' ParserError is one
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise LgsidError(f"{path}: not a table with separator {sep!r} ({reason})") from error
    check_columns(path, frame, columns)
    return pd.DataFrame(frame.fillna(""))


def read_any(path: Path, columns: Sequence[str], *, sep: str = ",", encoding: str = "utf-8") -> pd.DataFrame:
    """Read a Parquet file (`.parquet`) with its types, or a delimited file as text."""
    if path.suffix in {".parquet", ".pq"}:
        return pd.DataFrame(open_parquet(path, columns, "table with the columns of the config").to_pandas())
    return read_table(path, columns, sep=sep, encoding=encoding)


def check_columns(path: Path, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise if a table is empty or lacks one of `columns`."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise LgsidError(
            f"{path}: missing column {', '.join(missing)}; the file has {', '.join(map(str, frame.columns))}"
        )
    if frame.empty:
        raise LgsidError(f"{path}: the file has no rows")


def rows_text(rows: npt.NDArray[np.int64] | Sequence[int]) -> str:
    """Format up to three 1-based data rows: "data row 7", "data rows 7, 9, 12 and 40 more"."""
    shown = ", ".join(str(int(r)) for r in list(rows)[:3])
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"data row{'s' if len(rows) > 1 else ''} {shown}{more}"


def bad_rows(mask: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the 1-based numbers of the rows where `mask` holds."""
    return np.flatnonzero(np.asarray(mask, dtype=bool)).astype(np.int64) + 1


def to_numbers(values: pd.Series, where: str) -> pd.Series:
    """Convert texts to float64, missing ones to NaN.

    Args:
        values: Texts or numbers.
        where: File and column, for the message.

    Raises:
        LgsidError: if a value is neither a number nor missing; names its data row.
    """
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(np.float64)
    texts = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    wrong = numbers.isna() & ~texts.str.lower().isin(MISSING_TEXTS)
    if wrong.any():
        rows = bad_rows(wrong)
        raise LgsidError(f"{where}: {rows_text(rows)}: {texts[wrong].iloc[0]!r} is not a number")
    return numbers


def to_times(values: pd.Series, where: str, *, fmt: str | None = None, unit: str | None = None) -> pd.Series:
    """Parse times and convert them to UTC; times without an offset are taken as UTC.

    Args:
        values: Texts, numbers or timestamps.
        where: File and column, for the message.
        fmt: A `strptime` format; None for ISO 8601.
        unit: "s" or "ms" where the values count from 1970-01-01 UTC.

    Raises:
        LgsidError: if a value cannot be parsed; names its data row.
    """
    if unit:
        times = pd.to_datetime(to_numbers(values, where), unit=unit, utc=True, errors="coerce")  # type: ignore[call-overload]
    elif pd.api.types.is_datetime64_any_dtype(values):
        times = pd.to_datetime(values, utc=True)
    else:
        try:
            times = pd.to_datetime(values.astype(str), format=fmt or "ISO8601", utc=True, errors="coerce")
        except ValueError as error:
            raise LgsidError(f"{where}: time format {fmt!r} is not one of strptime's ({error})") from error
    wrong = times.isna()
    if wrong.any():
        example = values[wrong].iloc[0]
        expected = f"{unit} since 1970" if unit else (f"the format {fmt}" if fmt else "ISO 8601")
        raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: time {str(example)!r} does not follow {expected}")
    return pd.Series(times.dt.as_unit("us"))
