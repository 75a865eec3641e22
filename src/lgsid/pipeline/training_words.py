"""The words of `lgsid fit | validate | test | predict`, as a parser takes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lgsid.config.config_files import YAML_SUFFIXES, config_argument, find_config, read_config


def found_configs(arguments: Sequence[str]) -> list[str]:
    """Replace the values of `--config` by the content of the files, variants of a base merged over it."""
    result: list[str] = []
    follows = False
    for argument in arguments:
        if follows or argument.startswith("--config="):
            flag, _, name = ("", "", argument) if follows else argument.partition("=")
            value = config_argument(find_config(name))
            result.append(f"{flag}={value}" if flag else value)
        else:
            name = argument.rpartition("=")[2]
            if name.endswith(YAML_SUFFIXES) and Path(name).is_file():
                read_config(Path(name))  # says which file is not YAML; the parser does not
            result.append(argument)
        follows = argument in ("--config", "-c") and not follows
    return result
