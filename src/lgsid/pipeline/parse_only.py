"""Parse what LightningCLI is given and go no further: nothing is made, read or written."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentError
from lightning.pytorch.cli import LightningArgumentParser

from lgsid import plugins
from lgsid.errors import LgsidError
from lgsid.pipeline.parser_errors import explain
from lgsid.pipeline.training_cli import TrainingCLI
from lgsid.pipeline.training_words import found_configs
from lgsid.trust import limit_imports


class ParserOnly(TrainingCLI):
    """The parser of the command line, made once and used for all stages."""

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse later."""
        self.config = {"subcommand": None}

    def _set_seed(self) -> None:
        """Draw nothing."""

    def before_instantiate_classes(self) -> None:
        """Make nothing."""

    def instantiate_classes(self) -> None:
        """Make nothing."""

    def _run_subcommand(self, subcommand: str) -> None:
        """Run nothing."""


@functools.cache
def training_parser() -> LightningArgumentParser:
    """Return the parser of `lgsid fit | validate | test | predict`."""
    return ParserOnly([]).parser


def parse_training(words: Sequence[str]) -> None:
    """Refuse words of the command line that LightningCLI refuses, as far as parsing tells.

    Raises:
        LgsidError: saying which key or class is wrong, and what is known there.
    """
    plugins.load()
    limit_imports()
    try:
        training_parser().parse_args(found_configs(words))
    except ArgumentError as error:
        raise LgsidError(explain(str(error))) from error
