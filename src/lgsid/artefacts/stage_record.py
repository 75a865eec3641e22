"""What a stage wrote: size, time and content hash of every file, and whether a file still holds the same.

A file whose size and time are as recorded is taken to be unchanged, so that a look at a large result is cheap. Where
one of them moved, as in a copy, or where it is asked for, the hash decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lgsid.artefacts.hashes import current_hash, file_hash, text_hash
from lgsid.artefacts.names import STAGE_FILE
from lgsid.errors import LgsidError

MADE_BY: Mapping[str, str] = {"made_by": "lgsid run"}
DEPTH = 3  # folders above a file where the record of its stage may lie


@dataclass(frozen=True)
class FileRecord:
    """One file as its stage left it.

    Args:
        size: Bytes.
        mtime_ns: Time of the last change, in nanoseconds since 1970.
        sha256: Hash of the content.
    """

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """Return the record of a file as it is now."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, file_hash(path))

    def untouched(self, path: Path) -> bool:
        """Tell whether size and time of a file are as recorded. Its content is not read."""
        stat = path.stat()
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.mtime_ns)

    def confirmed(self, path: Path, verify: bool = False) -> FileRecord | None:
        """Return the record with the time that the file has now, `None` if the file holds something else.

        Args:
            path: The file.
            verify: Read the file even if its size and time are as recorded.
        """
        if self.untouched(path) and not verify:
            return self
        now = path.stat()
        hash_of = file_hash if verify else current_hash
        if now.st_size != self.size or hash_of(path) != self.sha256:
            return None
        return replace(self, mtime_ns=now.st_mtime_ns)


@dataclass(frozen=True)
class StageRecord:
    """The record of a complete result, `stage.json` in its folder. It is sealed with a hash of itself.

    Args:
        folder: Folder of the result.
        stage: Name of the stage.
        parts: What the result was made from: hashes of "config", "inputs" and "code".
        files: Path inside the folder -> the file as the stage left it.
    """

    folder: Path
    stage: str
    parts: Mapping[str, str]
    files: Mapping[str, FileRecord]

    @classmethod
    def of(cls, folder: Path, stage: str, parts: Mapping[str, str], files: Iterable[Path]) -> StageRecord:
        """Record files of a folder as they are now."""
        return cls(folder, stage, parts, {p.relative_to(folder).as_posix(): FileRecord.of(p) for p in files})

    @classmethod
    def read(cls, folder: Path) -> StageRecord | None:
        """Read the record of a folder; `None` if there is none, or it is damaged or of an earlier version."""
        try:
            content = json.loads((folder / STAGE_FILE).read_text(encoding="utf-8"))
            files = {str(name): FileRecord(**entry) for name, entry in content["files"].items()}
            record = cls(folder, content["stage"], content["made_from"], files)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return record if record.to_dict() == content else None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the file, as plain values."""
        files = {name: asdict(entry) for name, entry in self.files.items()}
        content = {**MADE_BY, "stage": self.stage, "made_from": dict(self.parts), "files": files}
        return {**content, "digest": text_hash([json.dumps(content, sort_keys=True)])}

    def confirmed(self, verify: bool = False) -> StageRecord | str:
        """Return the record with the times that its files have now, or what is wrong with the first damaged one.

        Args:
            verify: Read every file, even if its size and time are as recorded.
        """
        files: dict[str, FileRecord] = {}
        for name, entry in self.files.items():
            path = self.folder / name
            if not path.is_file():
                return f"{name} is missing"
            found = entry.confirmed(path, verify)
            if found is None:
                return f"{name} differs from what the stage wrote"
            files[name] = found
        return replace(self, files=files)

    def hash_of(self, path: Path) -> str:
        """Return the hash of a file in the folder, without reading it if size and time are as recorded."""
        entry = self.files.get(path.relative_to(self.folder).as_posix())
        return entry.sha256 if entry is not None and entry.untouched(path) else current_hash(path)


def check_recorded(path: Path) -> None:
    """Refuse a file of a stage that is not what the stage wrote; a file that no stage recorded passes.

    Raises:
        LgsidError: naming the file and the stage.
    """
    for folder in path.parents[:DEPTH]:
        record = StageRecord.read(folder)
        if record is None:
            continue
        entry = record.files.get(path.relative_to(folder).as_posix())
        if entry is not None and path.is_file() and entry.confirmed(path) is None:
            raise LgsidError(
                f"{path}: damaged: differs from what stage {record.stage} wrote; run the pipeline again, or copy the "
                "file out of the folder to use it as it is"
            )
        return
