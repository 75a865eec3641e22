"""Test the model that the same stage has just trained."""

from __future__ import annotations

from lgsid.artefacts.names import CHECKPOINT_FILE
from lgsid.errors import LgsidError
from lgsid.pipeline.stage import Stage
from lgsid.pipeline.verbs.fit import Fit
from lgsid.pipeline.verbs.verb import Job


class Test(Fit):
    """`lgsid test` with the stage's configs and options, on the stage's own checkpoint or the one in `ckpt_path`."""

    __test__ = False  # not a test case, whatever pytest thinks of the name
    subcommand = "test"

    def check(self, stage: Stage, where: str) -> None:
        """Refuse a stage that has no model to test.

        Raises:
            LgsidError: if the stage neither trains before nor names a checkpoint.
        """
        super().check(stage, where)
        if "fit" not in stage.verbs[: stage.verbs.index("test")] and "ckpt_path" not in stage.options:
            raise LgsidError(f"{where}: nothing to test; write `verb: [fit, test]`, or set ckpt_path")

    def arguments(self, job: Job) -> list[str]:
        """Add the checkpoint; the report shows the metrics, so they are not printed here."""
        own = [] if "ckpt_path" in job.options else [f"--ckpt_path={job.folder / CHECKPOINT_FILE}"]
        return [*super().arguments(job), *own, "--verbose=false"]
