"""The checkpoint of the tokenizer that semantic IDs were made with, found again by its path and known by its hash."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsid.artefacts.hashes import current_hash
from lgsid.artefacts.names import CHECKPOINT_FILE
from lgsid.errors import LgsidError

if TYPE_CHECKING:
    from lgsid.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenizerFile:
    """A checkpoint.

    Args:
        checkpoint: Its path, from the root of the generations.
        sha256: Hash of its content.
    """

    checkpoint: str
    sha256: str

    @classmethod
    def of(cls, path: str | Path, root: Path) -> TokenizerFile:
        """Return the record of a checkpoint, or of the one in a run folder.

        Raises:
            LgsidError: if there is none.
        """
        file = checkpoint_file(path)
        if not file.is_file():
            raise LgsidError(f"{file}: no such file (expected the checkpoint of a tokenizer)")
        return cls(Path(os.path.relpath(file.resolve(), root.resolve())).as_posix(), current_hash(file))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TokenizerFile:
        """Rebuild from plain values; a `KeyError` or `TypeError` if they are others."""
        return cls(str(content["checkpoint"]), str(content["sha256"]))

    def to_dict(self) -> dict[str, str]:
        """Return plain values."""
        return asdict(self)

    def load(self, root: Path, given: str | Path | None = None) -> Tokenizer:
        """Load the tokenizer.

        Args:
            root: Root of the generations.
            given: Where the checkpoint is now, if it is not where it was.

        Raises:
            LgsidError: if it is not there, or not the one that the semantic IDs were made with.
        """
        from lgsid import checkpoints
        from lgsid.tokenizers.tokenizer import Tokenizer

        path = root / self.checkpoint if given is None else checkpoint_file(given)
        if not path.is_file():
            raise LgsidError(f"{path}: no such file; say with --checkpoint where the tokenizer of {root} is now")
        if current_hash(path) != self.sha256:
            raise LgsidError(
                f"{path}: not the tokenizer that {root} was published with; give that one, or tokenize all places with"
                " this one and run `lgsid sids refit`"
            )
        return checkpoints.load(path, Tokenizer)  # type: ignore[type-abstract]


def checkpoint_file(path: str | Path) -> Path:
    """Return a checkpoint, or the one in a run folder."""
    return Path(path) / CHECKPOINT_FILE if Path(path).is_dir() else Path(path)
