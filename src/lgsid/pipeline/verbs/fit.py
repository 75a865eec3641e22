"""Train a module and export its artefacts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lgsid.pipeline.verbs.verb import Job, Verb


class Fit(Verb):
    """`lgsid fit` with the stage's configs and options."""

    subcommand = "fit"

    @property
    def code(self) -> tuple[str, ...]:
        """The trainer of the command line."""
        return ("lgsid.pipeline.training_cli:TrainingCLI",)

    def run(self, job: Job) -> Mapping[str, Any]:
        """Train; the model, its metrics, its config and its artefacts are in the folder afterwards."""
        from lgsid.pipeline.training_cli import train

        return train([self.subcommand, *self.arguments(job)], record=False).config_dump

    def arguments(self, job: Job) -> list[str]:
        """Return the command line that does the same."""
        configs = [*job.stage.configs, *([job.pipeline.logger] if job.pipeline.logger else [])]
        options = [f"--{key}={argument(value)}" for key, value in job.options.items()]
        fixed = [f"--seed_everything={job.pipeline.seed}", f"--run_folder={job.folder}"]
        return [*(f"--config={config}" for config in configs), *options, *fixed]


def argument(value: Any) -> str:
    """Write a value as the command line takes it: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
