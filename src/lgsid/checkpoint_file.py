"""Read the file of a checkpoint without running anything in it, and notice damage."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import lightning as L
import torch
from torch.optim import Optimizer

from lgsid.artefacts.names import CHECKPOINT_FILE
from lgsid.artefacts.stage_record import check_recorded
from lgsid.construction import CLASS_PATH, INIT_ARGS, PACKAGE, Describable
from lgsid.errors import LgsidError, located
from lgsid.trust import PARTS_OF_TRAINING, lies_in, part_of_model
from lgsid.typing import DataShape

MAX_DEPTH = 64  # of nested values; those of a model have less than ten
NAMES_A_CLASS = (CLASS_PATH, f"_{CLASS_PATH}")  # keys of lgsid's descriptions, of configs, and of Lightning
DATA_SHAPE = "data_shape"
INSTANTIATOR, LIGHTNING_CLI = "_instantiator", "lightning.pytorch.cli.instantiate_module"
DIRECTORY = 0x10  # attribute of a member in MS-DOS; torch then leaves the values of its tensor unread
OF_THE_PROGRAM = (Describable, L.LightningDataModule, Optimizer)
"""What a class of the running program derives from that a checkpoint may name."""


def read_checkpoint_file(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint: tensors and plain values, on the CPU. Nothing in it is run.

    Classes that it names are those of lgsid and of plugins, or were imported before; no other module is imported.

    Args:
        path: A file that `torch.save`, a `Trainer` or `lgsid fit` wrote.

    Raises:
        LgsidError: if it is missing, damaged, holds more than tensors and plain values, names what is no part of a
            model, or asks for more memory than its tensors can fill.
    """
    path = Path(path)
    check_recorded(path)
    check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about a pickle that `torch.save` did not write
            saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise LgsidError(f"{path}: not a readable checkpoint ({reason[:200]})") from error
    if not isinstance(saved, dict) or not isinstance(saved.get("state_dict"), dict):
        raise LgsidError(f"{path}: not a checkpoint of a module; give the {CHECKPOINT_FILE} of a run folder")
    with located(path):
        check_names({key: value for key, value in saved.items() if key != "state_dict"})
        check_tensors(saved, path.stat().st_size)
        if DATA_SHAPE in saved:
            DataShape.from_dict(saved[DATA_SHAPE])
    return saved


def check_archive(path: Path) -> None:
    """Refuse a file that is not the archive of one checkpoint as `torch.save` writes it.

    Its members are stored as they are, so that a small file cannot become a large one, lie in one folder, and are as
    their checksums say.

    Raises:
        LgsidError: saying what is wrong.
    """
    if not path.is_file():
        raise LgsidError(f"{path}: no such checkpoint; `lgsid fit` writes {CHECKPOINT_FILE} to its run folder")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise LgsidError(f"{path}: not a readable checkpoint (it is compressed, which torch.save never does)")
            if len(set(names)) < len(names) or len({name.partition("/")[0] for name in names}) != 1:
                raise LgsidError(f"{path}: not a readable checkpoint (its members are not those of one checkpoint)")
            if any(member.external_attr & DIRECTORY for member in members):
                raise LgsidError(f"{path}: damaged: a member of it is marked as a folder; train again or take a copy")
            if any(name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name for name in names):
                raise LgsidError(f"{path}: not a readable checkpoint (a member of it lies outside its folder)")
            damaged = archive.testzip()
    # NotImplementedError: a method that zipfile lacks; RuntimeError: an encrypted member; EOFError: a cut one
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise LgsidError(f"{path}: not a readable checkpoint ({' '.join(str(error).split())[:200]})") from error
    if damaged is not None:
        raise LgsidError(f"{path}: damaged: {damaged} does not fit its checksum; train again or take it from a copy")


def nested(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield a value and all that it holds at any depth, each before what is inside it.

    Raises:
        LgsidError: if values are nested deeper than the parts of any model.
    """
    if depth > MAX_DEPTH:
        raise LgsidError(f"its values are nested deeper than {MAX_DEPTH} levels, so it is not a checkpoint of lgsid")
    yield value
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    for inner in inside:
        yield from nested(inner, depth + 1)


def check_names(values: Any) -> None:
    """Refuse nested values that name a class or a function which is no part of a model.

    Raises:
        LgsidError: naming the first, or if they are nested deeper than the parts of any model.
    """
    for value in nested(values):
        if not isinstance(value, Mapping):
            continue
        if value.get(INSTANTIATOR, LIGHTNING_CLI) != LIGHTNING_CLI:
            raise LgsidError(f"{INSTANTIATOR}: {value[INSTANTIATOR]!r} is not what makes a module; nothing was run")
        for name in (value[key] for key in NAMES_A_CLASS if key in value):
            if not isinstance(name, str):
                raise LgsidError(f"{CLASS_PATH}: expected a class, found {name!r}")
            if not lies_in(name, PARTS_OF_TRAINING):
                part_of_model(name, OF_THE_PROGRAM, f"install {value.get(PACKAGE) or name.partition('.')[0]}")
        arguments = value.get(INIT_ARGS, {})
        if CLASS_PATH in value and not (
            isinstance(arguments, Mapping) and all(isinstance(key, str) for key in arguments)
        ):
            raise LgsidError(f"{value[CLASS_PATH]}: its arguments are not there by name")


def check_tensors(values: Any, limit: int) -> None:
    """Refuse nested tensors larger than the file: a stride of zero, or none of the values, hides such in a few bytes.

    Args:
        values: What was read.
        limit: Size of the file in bytes.

    Raises:
        LgsidError: giving the shape of the first, or if they are nested deeper than the parts of any model.
    """
    for value in nested(values):
        if isinstance(value, torch.Tensor) and value.numel() * value.element_size() > limit:
            raise LgsidError(f"a tensor of shape {tuple(value.shape)} is larger than the file; train again")


def is_free_of_strangers(value: Any) -> bool:
    """Tell whether `check_names` accepts a value."""
    try:
        check_names(value)
    except LgsidError:
        return False
    return True
