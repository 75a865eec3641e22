"""What a folder is."""

from __future__ import annotations

from pathlib import Path

from lgsid.artefacts.names import CHECKPOINT_FILE, RUN_FILE


def is_run(path: str | Path) -> bool:
    """Return whether a folder is that of a pipeline's run, not of one model."""
    return (Path(path) / RUN_FILE).is_file() and not (Path(path) / CHECKPOINT_FILE).is_file()
