"""A hash of a whole Parquet file inside it, so that any changed bit is noticed, in the footer and its metadata, too.

The hash is the value of one metadata key of the footer. It is that of the file with zeros in its place. Parquet's own
checksums cover pages only. A program that reads the file with pyarrow and writes it anew leaves the zeros: no hash.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from lgsid.errors import LgsidError

SEAL_KEY = b"lgsid.sha256"
EMPTY = b"0" * 64
BEFORE = SEAL_KEY + b"\x18\x40"  # the key, then the type and length of its value, in Thrift's compact protocol
TAIL = 8  # bytes after the footer: its length, and a magic word
BLOCK = 1 << 20


def seal(path: Path) -> None:
    """Put the hash of a file into it.

    Args:
        path: A Parquet file with the metadata `SEAL_KEY: EMPTY`.
    """
    with path.open("r+b") as file:
        place, _ = find_seal(file)
        digest = sealed_hash(file, place)
        file.seek(place)
        file.write(digest.encode("ascii"))


def check_seal(path: Path) -> None:
    """Refuse a file that is not what its hash says; one without a hash passes.

    Raises:
        LgsidError: naming the file.
    """
    with path.open("rb") as file:
        place, found = find_seal(file)
        if place and found != EMPTY and sealed_hash(file, place).encode("ascii") != found:
            raise LgsidError(f"{path}: damaged: does not fit the checksum inside it; make it again, or copy it again")


def find_seal(file: BinaryIO) -> tuple[int, bytes]:
    """Return where the hash of a file begins, 0 if there is none, and its 64 bytes."""
    end = file.seek(0, 2)
    if end < 2 * TAIL:
        return 0, b""
    file.seek(end - TAIL)
    start = end - TAIL - int.from_bytes(file.read(4), "little")
    if start < 0:
        return 0, b""
    file.seek(start)
    footer = file.read(end - TAIL - start)
    at = footer.rfind(BEFORE)
    if at < 0:
        return 0, b""
    place = at + len(BEFORE)
    return start + place, footer[place : place + len(EMPTY)]


def sealed_hash(file: BinaryIO, place: int) -> str:
    """Return the hex sha256 of a file with zeros where its hash is."""
    digest = hashlib.sha256()
    file.seek(0)
    left = place
    while left:
        block = file.read(min(left, BLOCK))
        digest.update(block)
        left -= len(block)
    digest.update(EMPTY)
    file.seek(place + len(EMPTY))
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()
