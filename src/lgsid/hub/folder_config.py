"""`config.json` of a folder: which class it holds, how it is built, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lgsid import __version__
from lgsid.artefacts.files import parse_json, write_json
from lgsid.artefacts.hashes import file_hash
from lgsid.checkpoint_file import check_names, nested
from lgsid.construction import CLASS_PATH, INIT_ARGS, PACKAGE
from lgsid.errors import LgsidError, located

CONFIG, WEIGHTS, SECTION = "config.json", "model.safetensors", "lgsid"
FORMAT = 1


@dataclass(frozen=True)
class FolderConfig:
    """What lgsid says in `config.json`, under the key `lgsid`; the rest of the file belongs to transformers.

    Args:
        construction: Class path and constructor arguments, as `lgsid.construction.describe` returns them.
        state: What a checkpoint keeps beside weights: sizes of the data, vocabularies. Empty for a text encoder.
        version: Version of lgsid that wrote it.
        hashes: Name of each file of weights -> SHA-256.
    """

    construction: Mapping[str, Any]
    state: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def packages(self) -> list[str]:
        """Packages of plugins that the class and its parts come from, with their versions."""
        return sorted(set(packages_in(self.construction)))

    def write(self, folder: Path) -> None:
        """Write it into the `config.json` that is there, or into a new one, with the hashes of the weights."""
        path = folder / CONFIG
        others = parse_json(path) if path.is_file() else {"library_name": "lgsid"}
        weights = sorted(found.name for found in folder.glob("*.safetensors"))
        own = {
            "format": FORMAT,
            "lgsid_version": self.version,
            "packages": self.packages,
            **{key: self.construction[key] for key in (CLASS_PATH, INIT_ARGS)},
            PACKAGE: self.construction.get(PACKAGE, ""),
            "state": dict(self.state),
            "sha256": {name: file_hash(folder / name) for name in weights},
        }
        write_json(path, {**others, SECTION: own})

    @classmethod
    def read(cls, folder: Path) -> FolderConfig:
        """Read and check it: nothing is imported but lgsid and plugins, and no weights are read but to hash them.

        Raises:
            LgsidError: if a file is missing or damaged, or it names what is no part of a model.
        """
        if not folder.is_dir():
            raise LgsidError(f"{folder}: no such folder; `lgsid pretrained save` writes one")
        path = folder / CONFIG
        if not path.is_file() or not (folder / WEIGHTS).is_file():
            missing = WEIGHTS if path.is_file() else CONFIG
            raise LgsidError(f"{folder}: lacks {missing}; weights are read from safetensors only, never from a pickle")
        content = parse_json(path)
        own = content.get(SECTION) if isinstance(content, dict) else None
        if not isinstance(own, dict) or not isinstance(own.get(INIT_ARGS), dict) or CLASS_PATH not in own:
            raise LgsidError(f"{path}: says nothing of lgsid; load it with the library that wrote it")
        if own.get("format") != FORMAT:
            version = own.get("lgsid_version", "another version")
            raise LgsidError(f"{path}: is of format {own.get('format')!r}, of lgsid {version}; install that version")
        with located(path):
            check_names(own)
        hashes, state = own.get("sha256"), own.get("state")
        if not isinstance(hashes, dict) or not isinstance(state, dict) or WEIGHTS not in hashes:
            raise LgsidError(f"{path}: lacks the hashes of the weights; save the folder again")
        found = cls(own, state, str(own.get("lgsid_version", "")), hashes)
        found.check_weights(folder)
        return found

    def check_weights(self, folder: Path) -> None:
        """Compare the weights with their hashes.

        Raises:
            LgsidError: naming the first file that is missing, damaged, or not among them.
        """
        there = {path.name for path in folder.glob("*.safetensors")}
        for name in sorted(there | set(self.hashes)):
            if name not in self.hashes or name not in there:
                why = "is missing" if name in self.hashes else "is not among the files that were saved"
                raise LgsidError(f"{folder / name}: {why}; take the folder as it was saved")
            if file_hash(folder / name) != self.hashes[name]:
                raise LgsidError(f"{folder / name}: damaged: is not what was saved; take it from a copy")


def packages_in(described: Any) -> Iterator[str]:
    """Yield the packages of plugins that a description names."""
    for value in nested(described):
        if isinstance(value, Mapping) and isinstance(value.get(PACKAGE), str) and value[PACKAGE]:
            yield value[PACKAGE]
