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
    """Parse a JSON file that is there, whoever changed it; see `parse_json_text`."""
    return parse_json_text(path.read_bytes(), str(path))


def parse_json_text(text: str | bytes, where: str) -> Any:
    """Parse JSON strictly: a key occurs once in an object, and NaN and infinity are no numbers.

    Args:
        text: The text, or its UTF-8 bytes.
        where: What holds it, for the message.

    Raises:
        LgsidError: if it is not such JSON.
    """
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        found = json.loads(text, object_pairs_hook=_object_of, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():  # half of a surrogate pair is no text
            json.dumps(found, ensure_ascii=False).encode("utf-8")
        return found
    except (ValueError, RecursionError) as error:  # decoding errors are ValueErrors
        reason = str(error).splitlines()[0] if isinstance(error, ValueError) else "nested too deeply"
        raise LgsidError(f"{where}: not valid JSON ({reason})") from error


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {twice!r} occurs more than once in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number; write null for a missing value")


def is_finite_number(value: Any) -> TypeGuard[float]:
    """Tell whether a JSON value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
