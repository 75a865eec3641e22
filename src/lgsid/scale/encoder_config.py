"""A config that says which text encoder reads which prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from lgsid.artefacts.hashes import file_hash
from lgsid.config.config_files import find_config, read_config
from lgsid.config.yaml_reader import parser_mode
from lgsid.errors import LgsidError, cause_of
from lgsid.plugins import load_kind
from lgsid.text import PromptTemplate, TextEncoder
from lgsid.trust import limit_imports

KEYS = ("encoder", "prompts")


def settings_of(config: str | Path) -> dict[str, Any]:
    """Return what determines the vectors that a config makes, as plain values: its content, and the adapter's hash.

    Raises:
        LgsidError: if the file is missing or has other keys than `encoder` and `prompts`.
    """
    path = find_config(config)
    content = dict(read_config(path))
    if unknown := sorted(set(content) - set(KEYS)):
        raise LgsidError(f"{path}: unknown key {unknown[0]!r}; known are {', '.join(KEYS)}")
    options = content.get("encoder")
    adapter = options.get("init_args", {}).get("adapter") if isinstance(options, dict) else None
    files = sorted(Path(adapter).iterdir()) if adapter and Path(adapter).is_dir() else []
    return {**content, "files": {file.name: file_hash(file) for file in files}}


def encoder_of(settings: dict[str, Any]) -> tuple[TextEncoder, PromptTemplate]:
    """Build the text encoder and the template of prompts that `settings_of` found.

    Raises:
        LgsidError: if an argument is unknown or invalid, or the model cannot be loaded.
    """
    load_kind("text_encoders")
    limit_imports()
    parser = ArgumentParser(exit_on_error=False, parser_mode=parser_mode())
    parser.add_subclass_arguments(TextEncoder, "encoder", default={"class_path": "lgsid.text.TextEncoder"})
    parser.add_class_arguments(PromptTemplate, "prompts")
    parser.add_argument("--config", action="config")
    text = yaml.safe_dump({key: settings[key] for key in KEYS if key in settings}, sort_keys=False)
    try:
        made = parser.instantiate(parser.parse_args([f"--config={text}"]))
    except (ArgumentError, ValueError, TypeError) as error:
        cause = cause_of(error)
        raise LgsidError(" ".join(str(cause if isinstance(cause, LgsidError) else error).split())) from error
    return made["encoder"], made["prompts"]
