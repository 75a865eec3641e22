"""Hashes of what files and texts hold."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path


def file_hash(path: str | Path) -> str:
    """Return the hex sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as handle:
        while block := handle.read(1 << 20):  # hashlib.file_digest came with Python 3.11
            digest.update(block)
    return digest.hexdigest()


def current_hash(path: str | Path) -> str:
    """Return the hash of a file, without reading it again if its size and time are as when this process read it."""
    stat = Path(path).stat()
    return _hash_at(Path(path).resolve(), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=1 << 14)
def _hash_at(path: Path, size: int, mtime_ns: int) -> str:
    return file_hash(path)


def text_hash(parts: Iterable[str | bytes]) -> str:
    """Return the hex sha256 of a sequence of texts; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()
