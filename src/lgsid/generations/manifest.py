"""The record of a generation, written last: with it, the generation is complete."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import parse_json, write_json
from lgsid.artefacts.hashes import file_hash, text_hash
from lgsid.artefacts.names import MANIFEST_FILE
from lgsid.errors import LgsidError
from lgsid.generations.tokenizer_file import TokenizerFile


@dataclass(frozen=True)
class Manifest:
    """What a generation is, and what it was made from. The file is sealed with a hash of itself.

    Args:
        generation: Its number.
        parent: Number of the generation that it was made from, none for the first one.
        command: What made it: publish, append, retire, move or refit.
        lgsid: Version of lgsid.
        tokenizer: Checkpoint that gives semantic IDs to new places, if one is known.
        counts: Number of places: published, open, retired.
        changed: Number of places that changed, by kind.
        files: Name -> hash of its content, of all other files.
    """

    generation: int
    parent: int | None
    command: str
    lgsid: str
    tokenizer: TokenizerFile | None
    counts: Mapping[str, int]
    changed: Mapping[str, int]
    files: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the file, as plain values."""
        content = {
            "generation": self.generation,
            "parent": self.parent,
            "command": self.command,
            "lgsid": self.lgsid,
            "tokenizer": None if self.tokenizer is None else self.tokenizer.to_dict(),
            "counts": dict(self.counts),
            "changed": dict(self.changed),
            "files": dict(self.files),
        }
        return {**content, "digest": text_hash([json.dumps(content, sort_keys=True)])}

    def write(self, folder: Path) -> None:
        """Write `manifest.json`, atomically."""
        write_json(folder / MANIFEST_FILE, self.to_dict())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read `manifest.json`.

        Raises:
            LgsidError: if it is missing or damaged.
        """
        path = folder / MANIFEST_FILE
        if not path.is_file():
            raise LgsidError(f"{folder}: no generation, it has no {MANIFEST_FILE}")
        content = parse_json(path)
        try:
            tokenizer = content["tokenizer"]
            found = cls(
                content["generation"],
                content["parent"],
                content["command"],
                content["lgsid"],
                None if tokenizer is None else TokenizerFile.from_dict(tokenizer),
                dict(content["counts"]),
                dict(content["changed"]),
                dict(content["files"]),
            )
            whole = found.to_dict() == content
        except (KeyError, TypeError, ValueError):
            whole = False
        if not whole:
            raise LgsidError(f"{path}: damaged: does not fit the checksum inside it; copy it again, or roll back")
        return found

    def check(self, folder: Path, names: Iterable[str] | None = None) -> None:
        """Read files, all by default.

        Raises:
            LgsidError: naming the first one that is missing or other than it was written.
        """
        for name in self.files if names is None else names:
            path = folder / name
            problem = "is missing" if not path.is_file() else "differs from what was written"
            if not path.is_file() or file_hash(path) != self.files.get(name):
                raise LgsidError(f"{folder}: damaged: {name} {problem}; copy it again, or roll back")
