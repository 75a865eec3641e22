"""The loggers of a config, for what is no training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser
from lightning.pytorch.loggers import Logger

from lgsid.artefacts.names import LOG_FOLDER
from lgsid.config.config_files import find_config, read_config
from lgsid.errors import LgsidError, cause_of
from lgsid.logs.log_sink import sink_of
from lgsid.trust import limit_imports


@contextmanager
def configured_loggers(config: str | Path | None, folder: Path, name: str) -> Iterator[list[Logger]]:
    """Make the loggers that a config names under `trainer.logger`, and close them at the end of the block.

    Args:
        config: The config, such as `logger/wandb.yaml`; without one there is no logger.
        folder: Folder of the result; what a logger writes goes to its `log`, unless the config says where.
        name: What the run is called.

    Raises:
        LgsidError: if the config names no logger, or one that cannot be made.
    """
    made = [] if config is None else [logger_of(entry, folder, name) for entry in entries_of(find_config(config))]
    try:
        yield made
    finally:
        for logger in made:
            logger.save()
            logger.finalize("success")
            sink_of(logger).close()


def entries_of(path: Path) -> list[dict[str, Any]]:
    """Return what a config says of each logger.

    Raises:
        LgsidError: if it says nothing.
    """
    trainer = read_config(path).get("trainer")
    given = trainer.get("logger") if isinstance(trainer, dict) else None
    entries: list[Any] = given if isinstance(given, list) else [given]
    if not entries or not all(isinstance(entry, dict) and "class_path" in entry for entry in entries):
        raise LgsidError(f"{path}: names no logger; write trainer: {{logger: {{class_path: ...}}}}")
    return entries


def with_defaults(options: Any, folder: Path, name: str) -> None:
    """Let a logger write to the folder of the run under its name, where its config leaves that open.

    Args:
        options: Its arguments, changed here.
        folder: The folder for logs.
        name: Name of the run.
    """
    if options.get("save_dir") in (None, "."):
        options["save_dir"] = str(folder)
    if "name" in options and options["name"] is None:
        options["name"] = name


def logger_of(entry: dict[str, Any], folder: Path, name: str) -> Logger:
    """Make one logger.

    Raises:
        LgsidError: if it cannot be made.
    """
    limit_imports()
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--logger", type=Logger)
    try:
        parsed = parser.parse_object({"logger": entry})
        with_defaults(parsed.logger.init_args, folder / LOG_FOLDER, name)
        made: Logger = parser.instantiate(parsed).logger
    except (ArgumentError, ValueError, TypeError, ImportError) as error:
        raise LgsidError(f"trainer.logger: {' '.join(str(cause_of(error)).split())}") from error
    return made
