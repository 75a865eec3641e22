"""Load a trained module of any kind from its checkpoint."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import lightning as L
import torch

from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.names import CHECKPOINT_FILE
from lgsid.checkpoint_file import read_checkpoint_file
from lgsid.construction import described_class, rebuild
from lgsid.errors import LgsidError
from lgsid.module import CONSTRUCTION, VERSION, LgsidModule

Module = TypeVar("Module", bound=LgsidModule)


def load(path: str | Path, kind: type[Module] = LgsidModule) -> Module:  # type: ignore[assignment]
    """Load a module as it was trained, on the CPU and in evaluation mode, whether a config or Python built it.

    The file is read with `weights_only=True`: nothing in it is run. Its parts are classes of lgsid, of installed
    plugins, or of the running program. Optimizers are those of the classes' defaults. Random states are left alone.

    Args:
        path: Checkpoint that `lgsid fit` or a `Trainer` wrote, or the run folder with its `model.ckpt`.
        kind: Class that the module must have, such as `Recommender`.

    Raises:
        LgsidError: if the file is missing, unreadable or of another kind, or a class or file it needs is missing.
    """
    path = Path(path)
    path = path / CHECKPOINT_FILE if path.is_dir() else path
    return restore(read(path), path, kind)


def restore(saved: Mapping[str, Any], where: str | Path, kind: type[Module] = LgsidModule) -> Module:  # type: ignore[assignment]
    """Build a module from the content of a checkpoint that was checked, see `load`.

    Args:
        saved: What `content_of` returned.
        where: The file, for messages.
        kind: Class that the module must have.

    Raises:
        LgsidError: if it is of another kind, or a class or file it needs is missing.
    """
    try:
        found = described_class(saved[CONSTRUCTION])
        if not issubclass(found, kind):
            raise LgsidError(f"it is the checkpoint of a {found.__name__}, not of a {kind.__name__}")
        with torch.random.fork_rng(devices=[]):
            module: Module = rebuild(saved[CONSTRUCTION])
            module.on_load_checkpoint(dict(saved))
        module.load_state_dict(saved["state_dict"], strict=module.strict_loading)
    except LgsidError as error:
        raise LgsidError(f"{where}: {error}") from error
    except Exception as error:  # whatever arguments, sizes and tensors of somebody else make of our classes
        reason = " ".join(str(error).split())[:200]
        version = saved.get(VERSION, "another version")
        raise LgsidError(f"{where}: its weights, of lgsid {version}, do not fit ({reason}); train again") from error
    return module.eval()


def content_of(module: LgsidModule) -> dict[str, Any]:
    """Return what a checkpoint holds of a module, without optimizer and trainer."""
    saved: dict[str, Any] = {"state_dict": module.state_dict(), "pytorch-lightning_version": L.__version__}
    module.on_save_checkpoint(saved)
    return saved


def save(module: LgsidModule, path: str | Path) -> None:
    """Write a module to a checkpoint without optimizer and trainer, atomically; equal modules give equal bytes.

    Args:
        module: A module that is built.
        path: The file.

    Raises:
        NotWritten: if the system does not let it be written.
    """
    content = io.BytesIO()  # into a file, torch.save would write the name of that file
    torch.save(content_of(module), content)
    with atomic_path(path) as partial:
        partial.write_bytes(content.getvalue())


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint without building anything.

    Raises:
        LgsidError: if it is missing, damaged, names strangers' classes, or does not say how its module was built.
    """
    saved = read_checkpoint_file(path)
    if CONSTRUCTION not in saved:
        known = "data_shape" in saved or "pytorch-lightning_version" in saved
        why = "written by an earlier version of lgsid; train again" if known else "not a checkpoint of an lgsid module"
        raise LgsidError(f"{path}: {why}")
    return saved
