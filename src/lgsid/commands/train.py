"""`lgsid fit | validate | test | predict`. LightningCLI parses their words; a pipeline gives them words, too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lgsid.pipeline.command import AsStage, command
from lgsid.terminal import prepare_output

CODE = ("lgsid.pipeline.training_cli:TrainingCLI",)


def train_with(subcommand: str, words: Sequence[str]) -> None:
    """Hand the words of the command line to LightningCLI."""
    prepare_output()
    from lgsid.pipeline.training_cli import train

    train([subcommand, *words])


def words_of_fit(
    *, config: Sequence[str], output: str, seed: int, logger: str | None = None, **options: Any
) -> list[str]:
    """Return the command line that trains as a stage asks for."""
    configs = [*config, *([logger] if logger else [])]
    flags = [f"--{key}={as_word(value)}" for key, value in options.items()]
    fixed = [f"--seed_everything={seed}", f"--run-folder={output}"]
    return ["fit", *(f"--config={path}" for path in configs), *flags, *fixed]


def words_of_test(*, output: str, **arguments: Any) -> list[str]:
    """Return the command line that tests what the same stage has trained, or the checkpoint in `ckpt_path`."""
    from lgsid.artefacts.names import CHECKPOINT_FILE

    own = [] if "ckpt_path" in arguments else [f"--ckpt_path={Path(output) / CHECKPOINT_FILE}"]
    return ["test", *words_of_fit(output=output, **arguments)[1:], *own, "--verbose=false"]


def as_word(value: Any) -> str:
    """Write a value as the command line takes it: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def check_fit(**arguments: Any) -> None:
    """Parse what a stage would train with, and go no further."""
    from lgsid.pipeline.parse_only import parse_training

    parse_training(words_of_fit(**arguments))


def check_test(**arguments: Any) -> None:
    """Parse what a stage would test with, and go no further."""
    from lgsid.pipeline.parse_only import parse_training

    parse_training(words_of_test(**arguments))


@command(stage=AsStage(code=CODE, seeded=True, check=check_fit), main=partial(train_with, "fit"), reads_configs=True)
def fit(
    *, config: Sequence[str], output: str, seed: int = 2026, logger: str | None = None, **options: Any
) -> Mapping[str, Any]:
    """Train any module: reward model, aligner, tokenizer, recommender.

    Args:
        config: Config files; later ones override earlier ones.
        output: Run folder.
        seed: Random seed for everything.
        logger: Config with trainer.logger.
        **options: Dotted keys of the config.

    Returns:
        The resolved config.
    """
    from lgsid.pipeline.training_cli import train

    words = words_of_fit(config=config, output=output, seed=seed, logger=logger, **options)
    return train(words, record=False).config_dump


@command(
    stage=AsStage(code=CODE, seeded=True, check=check_test, follows="fit", unless="ckpt_path"),
    main=partial(train_with, "test"),
    reads_configs=True,
)
def evaluate(
    *, config: Sequence[str], output: str, seed: int = 2026, logger: str | None = None, **options: Any
) -> Mapping[str, Any]:
    """Test a trained module, or a baseline that needs no training.

    Args:
        config: Config files; later ones override earlier ones.
        output: Run folder, with the model that the same stage has trained, unless ckpt_path is given.
        seed: Random seed for everything.
        logger: Config with trainer.logger.
        **options: Dotted keys of the config.

    Returns:
        The resolved config.
    """
    from lgsid.pipeline.training_cli import train

    words = words_of_test(config=config, output=output, seed=seed, logger=logger, **options)
    return train(words, record=False).config_dump


@command(main=partial(train_with, "validate"), reads_configs=True)
def validate() -> None:
    """Validate a trained module."""


@command(main=partial(train_with, "predict"), reads_configs=True)
def predict() -> None:
    """Write a module's predictions."""
