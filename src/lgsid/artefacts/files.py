"""Write files so that a reader only ever sees the old content or the new one, and read JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeGuard

from lgsid.artefacts.stage_record import check_recorded
from lgsid.errors import LgsidError
from lgsid.system_errors import writing


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an error.

    Raises:
        NotWritten: if the system does not let it be written; it says what is kept.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path, "what was there is kept" if os.path.lexists(path) else "nothing of it was written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with partial.open("rb") as handle:
                os.fsync(handle.fileno())
            partial.replace(path)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically. NaN is refused, since JSON has none."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        LgsidError: if the file is missing, is not JSON, or is not what its stage wrote.
    """
    path = Path(path)
    if not path.is_file():
        raise LgsidError(f"{path}: no such file")
    check_recorded(path)
    return parse_json(path)


def parse_json(path: Path) -> Any:
    """Parse a JSON file that is there, whoever changed it.

    Raises:
        LgsidError: if it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise LgsidError(f"{path}: not valid JSON ({error})") from error


def is_finite_number(value: Any) -> TypeGuard[float]:
    """Tell whether a JSON value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
