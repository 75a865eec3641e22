"""Paths in a checkpoint are relative to its run folder, so that the folder can move and equal runs give equal bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

STATES = "callbacks"  # key of a checkpoint: what each callback keeps


class PortablePaths(Callback):
    """Write paths of callbacks, such as the best checkpoint so far, relative to the run folder, and read them back.

    A path that leads nowhere any more stays relative: Lightning then starts to look for the best checkpoint anew.

    Args:
        run_folder: The run folder.
    """

    def __init__(self, run_folder: Path) -> None:
        self.run_folder = run_folder

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Make the paths relative."""
        checkpoint[STATES] = with_texts(checkpoint.get(STATES, {}), self.relative)

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Make the paths of what is there absolute, or as the run folder was given."""
        checkpoint[STATES] = with_texts(checkpoint.get(STATES, {}), self.found)

    def relative(self, text: str) -> str:
        """Return a path inside the run folder without it, any other text as it is."""
        for folder in (str(self.run_folder), os.path.realpath(self.run_folder)):
            if text.startswith(folder + os.sep):
                return Path(text).relative_to(folder).as_posix()
        return text

    def found(self, text: str) -> str:
        """Return a path with the run folder if that leads somewhere, any other text as it is."""
        return str(self.run_folder / text) if "/" in text and (self.run_folder / text).exists() else text


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a nested mapping or list with each text in it changed, keys too."""
    if isinstance(value, Mapping):
        return {with_texts(key, change): with_texts(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_texts(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value
