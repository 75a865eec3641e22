"""Read delimited text strictly: every row has as many values as there are columns, or the file is refused."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa

from lgsid.artefacts.columns import check_columns, repeated_names
from lgsid.errors import LgsidError

GZIP_MAGIC = b"\x1f\x8b"
OTHER_MAGIC = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet; unpack it, or export it as CSV",
    b"PAR1": "a Parquet file; name it .parquet",
    b"BZh": "compressed with bzip2; unpack it, or compress it with gzip",
    b"\xfd7zXZ": "compressed with xz; unpack it, or compress it with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard; unpack it, or compress it with gzip",
}
UTF16 = re.compile(r"utf.?(16|32)", re.IGNORECASE)
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = ",;\t|"
ROWS_AT_ONCE = 65_536


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


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Read a text file, decompressed if it is gzip, without a byte order mark.

    Raises:
        LgsidError: if it is missing, broken, of another kind, not in that encoding, or holds NUL characters.
    """
    raw = read_bytes(path)
    for magic, kind in OTHER_MAGIC.items():
        if raw.startswith(magic):
            raise LgsidError(f"{path}: not a text file, but {kind}")
    if raw[:2] in UTF16_MARKS and not UTF16.match(encoding):
        raise LgsidError(f"{path}: starts with the mark of UTF-16; set `encoding: utf-16`, or save the file as UTF-8")
    check_encoding(encoding, path)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LgsidError(
            f"{path}: line {line}: byte 0x{raw[error.start]:02x} is not {encoding}; "
            "save the file as UTF-8 or set `encoding` (often latin-1)"
        ) from error
    except UnicodeError as error:
        raise LgsidError(f"{path}: not {encoding} ({error}); save the file as UTF-8 or set `encoding`") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise LgsidError(f"{path}: line {line}: a NUL character; the file is damaged, or in another encoding (utf-16?)")
    return text.removeprefix("\ufeff")


def check_encoding(encoding: str, path: str | Path) -> None:
    """Raise if Python knows no text encoding of that name."""
    try:
        b"a".decode(encoding, errors="replace")
    except (LookupError, ValueError) as error:  # no such encoding, or one that is not for texts
        raise LgsidError(f"{path}: encoding {encoding!r} is unknown; try utf-8 or latin-1") from error


def read_delimited(
    path: Path,
    columns: Sequence[str],
    *,
    sep: str = ",",
    header: bool = True,
    encoding: str = "utf-8",
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL,
) -> pd.DataFrame:
    """Read a delimited file with all values as text, and none of them as missing.

    The dialect is that of RFC 4180 with any one-character separator: a value with a separator, a quote or a line break
    is in double quotes, a quote inside it is doubled. Empty lines are skipped and not counted.

    Args:
        path: The file, plain or gzip.
        columns: The columns it must have. Without a header, the names of its columns, in order.
        sep: Separator, one ASCII character.
        header: Whether the first line holds the column names. Columns without a name are left out.
        encoding: Text encoding.
        quoting: `csv.QUOTE_NONE` where quotes are characters like any other.

    Raises:
        LgsidError: if the file is missing, broken, empty, not in that encoding, lacks a column or names one twice, if
            a quote is not closed, or a row has more or fewer values than there are columns; names the data row.
    """
    if len(sep) != 1 or not sep.isascii() or sep in '"\r\n\0':
        raise LgsidError(f"{path}: separator {sep!r} is not one; use a single character such as ',' or ';' or a tab")
    reader = csv.reader(io.StringIO(read_text(path, encoding), newline=""), delimiter=sep, quoting=quoting, strict=True)
    rows = filter(None, reader)
    try:
        names = next(rows, None) if header else list(columns)
    except csv.Error as error:
        raise LgsidError(f"{path}: line {reader.line_num}: {error}; is a quote not closed?") from error
    if names is None:
        raise LgsidError(f"{path}: the file is empty")
    if strange := [name for name in names if not name.isprintable()]:
        raise LgsidError(f"{path}: the header names column {strange[0]!r}, with characters that cannot be shown")
    if twice := repeated_names(name for name in names if name):
        raise LgsidError(f"{path}: the header names column {twice[0]!r} more than once; rename one of them")
    parts = list(_chunks(path, reader, rows, names, sep))
    if not header and not parts:
        raise LgsidError(f"{path}: the file is empty")
    kept = [place for place, name in enumerate(names) if name]
    arrays = {names[place]: pa.chunked_array([part[place] for part in parts], pa.string()) for place in kept}
    frame = pd.DataFrame(pa.table(arrays).to_pandas())
    check_columns(path, frame, columns, _separator_hint(names, sep))
    return frame


def _chunks(
    path: Path, reader: Iterator[list[str]], rows: Iterator[list[str]], names: Sequence[str], sep: str
) -> Iterator[list[pa.Array]]:
    """Yield the columns of some thousand rows at a time, each as an Arrow array of texts."""
    done, width = 0, len(names)
    while True:
        try:
            chunk = list(islice(rows, ROWS_AT_ONCE))
        except csv.Error as error:
            line = reader.line_num  # type: ignore[attr-defined]
            raise LgsidError(f"{path}: line {line}: {error}; is a quote not closed?") from error
        if not chunk:
            return
        if set(map(len, chunk)) != {width}:
            at = next(row for row, values in enumerate(chunk) if len(values) != width)
            raise LgsidError(_width_message(path, done + at + 1, len(chunk[at]), names, sep))
        try:
            yield [pa.array(values, pa.string()) for values in zip(*chunk, strict=True)]
        except UnicodeEncodeError as error:  # half of a surrogate pair, from encodings such as utf-16-surrogatepass
            raise LgsidError(f"{path}: not valid Unicode ({error.reason}); save the file as UTF-8") from error
        done += len(chunk)


def _width_message(path: Path, row: int, found: int, names: Sequence[str], sep: str) -> str:
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    what = f"{found} value{'s' if found != 1 else ''} in {len(names)} column{'s' if len(names) != 1 else ''} ({shown})"
    if found > len(names):
        return f"{path}: data row {row}: {what}; put values with {sep!r} in quotes, write decimals with a point"
    return f"{path}: data row {row}: {what}; write every value, an empty one too, and check the separator {sep!r}"


def _separator_hint(names: Sequence[str], sep: str) -> str:
    """Suggest another separator where it would split a header that this one leaves whole."""
    others = [other for other in SEPARATORS if other != sep and len(names) == 1 and other in names[0]]
    return f"; is the separator {others[0]!r}?" if others else ""
