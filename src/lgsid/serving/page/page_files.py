"""The files of the page, in memory, under an address that changes with them."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lgsid.serving.page.packed import Packed

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
SLOT = "[[digest]]"


class PageFiles:
    """Everything the page loads, read once.

    The modules of the page import each other by relative addresses, so all files share one folder named by the digest
    of them all: a browser may keep each forever, and never mixes files of two versions.

    Args:
        folder: Where the files are; those of the installed package by default.
    """

    def __init__(self, folder: Traversable | None = None) -> None:
        root = folder or files("lgsid.serving.page") / "static"
        self.contents = {
            str(name): part.read_bytes() for name, part in sorted(walk(root, PurePosixPath())) if name.suffix in TYPES
        }

    @cached_property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of all names and contents."""
        total = hashlib.sha256()
        for name, content in self.contents.items():
            total.update(f"{name} {len(content)}\n".encode())
            total.update(content)
        return total.hexdigest()[:16]

    @cached_property
    def packed(self) -> dict[str, Packed]:
        """Name -> the file as it is sent; `index.html` names the folder of the others."""
        return {
            name: Packed(content.replace(SLOT.encode(), self.digest.encode()), TYPES[PurePosixPath(name).suffix])
            for name, content in self.contents.items()
        }


def walk(folder: Traversable, under: PurePosixPath) -> list[tuple[PurePosixPath, Traversable]]:
    """Return the files below a folder, with their paths in it."""
    found = []
    for part in folder.iterdir():
        name = under / part.name
        found += walk(part, name) if part.is_dir() else [(name, part)]
    return found
