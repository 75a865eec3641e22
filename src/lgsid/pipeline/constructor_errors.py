"""Turn an error of a class that a config names into one line: where in the config, which class, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lgsid.errors import LgsidError, cause_of
from lgsid.module import LgsidDataModule, LgsidModule

LATE = {
    *("ensure_built", "configure_optimizers"),
    *("train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader"),
}
EARLY_ERRORS = (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError, OSError, AssertionError)
LATE_ERRORS = (ValueError, TypeError, ArithmeticError)


def explain_constructor(error: BaseException, config: Mapping[str, Any]) -> str | None:
    """Return one line for an error that a value of the config raised while the classes of a config were made.

    The parser wraps an error in others, one for each type that an argument may have, so the cause is looked for in the
    whole chain. Errors that no value of the config can cause, such as a name that the code lacks, are not explained.

    Args:
        error: The error as the parser raised it.
        config: The config: `class_path` and `init_args`, at any depth.
    """
    cause = cause_of(error)
    nothing = isinstance(cause, AttributeError) and cause.obj is None  # null where the class expects a value
    if not nothing and not isinstance(cause, (LgsidError, *EARLY_ERRORS)):
        return None
    key, node = place_of(cause, config)
    message = " ".join(str(cause).split())
    if not isinstance(cause, LgsidError):
        name = str(node.get("class_path", "")).rpartition(".")[2]
        message = f"{name + ' ' if name else ''}does not accept these arguments ({type(cause).__name__}: {message})"
    named = [name for name in node.get("init_args") or {} if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", message)]
    if len(named) == 1:
        key = f"{key}.init_args.{named[0]}"
    return f"{key}: {message}" if key else message


def explain_late_constructor(error: BaseException, config: Mapping[str, Any]) -> str | None:
    """Return one line for an error that a value of the config raised after the classes were made, `None` for others.

    Layers, optimizers and loaders whose sizes depend on the data are made when the training starts.
    """
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        owner = frame.f_locals.get("self")
        if frame.f_code.co_name in LATE and isinstance(owner, (LgsidModule, LgsidDataModule)):
            name = type(owner).__name__
            entries = [key for key, entry in class_entries(config) if str(entry["class_path"]).endswith(f".{name}")]
            key = entries[0] if len(entries) == 1 else "config"
            text = " ".join(str(error).split())
            return f"{key}: {name} does not accept these arguments ({type(error).__name__}: {text})"
        traceback = traceback.tb_next
    return None


def place_of(error: BaseException, config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the dotted key and the entry of the config whose class raised an error, both empty if none did."""
    entries = list(class_entries(config))
    found: tuple[str, Mapping[str, Any]] = ("", {})
    traceback = error.__traceback__
    while traceback is not None:
        code, names = traceback.tb_frame.f_code, traceback.tb_frame.f_locals
        if code.co_name == "__init__" and "self" in names:
            name = type(names["self"]).__name__
            same = [entry for entry in entries if str(entry[1]["class_path"]).rpartition(".")[2] == name]
            found = same[0] if len(same) == 1 else found
        traceback = traceback.tb_next
    return found


def class_entries(config: Any, key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the dotted key and the content of every `class_path` entry inside nested mappings and lists."""
    prefix = f"{key}." if key else ""
    if isinstance(config, Mapping):
        if "class_path" in config:
            yield key, config
        for name, value in config.items():
            yield from class_entries(value, f"{prefix}{name}")
    elif isinstance(config, list):
        for number, value in enumerate(config):
            yield from class_entries(value, f"{prefix}{number}")
