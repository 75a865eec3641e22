"""Make a dataset from its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lgsid.errors import LgsidError
from lgsid.pipeline.config_files import read_yaml, resolved
from lgsid.pipeline.stage import Stage
from lgsid.pipeline.verbs.verb import Job, Verb


class DataPrepare(Verb):
    """`lgsid data prepare` with the stage's config and options."""

    seeded = False

    @property
    def code(self) -> tuple[str, ...]:
        """The dataset builder."""
        return ("lgsid.datasets.dataset_builder:DatasetBuilder", "lgsid.datasets.load_builder:load_builder")

    def check(self, stage: Stage, where: str) -> None:
        """Refuse a stage without a config, or with more than one.

        Raises:
            LgsidError: if it is not exactly one.
        """
        super().check(stage, where)
        if len(stage.configs) != 1:
            raise LgsidError(f"{where}: 'data prepare' reads one config, found {len(stage.configs)}")

    def inputs(self, configs: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[Path]:
        """Return the files that the source reads."""
        from lgsid import plugins
        from lgsid.datasets import load_builder

        plugins.load()
        return load_builder(configs[0], options).files()

    def run(self, job: Job) -> Mapping[str, Any]:
        """Read, check and write the dataset."""
        from lgsid import plugins
        from lgsid.datasets import load_builder

        plugins.load()
        path = job.stage.configs[0]
        load_builder(path, job.options).build().write(job.folder)
        return {**resolved(read_yaml(path), path.parent), "set": dict(job.options)}
