"""`lgsid run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command
from lgsid.terminal import console, tell

if TYPE_CHECKING:
    from lgsid.pipeline.pipeline import Pipeline


@command(reads_configs=True)
def run(
    pipeline: str,
    *,
    run_folder: str | None = None,
    only: Sequence[str] = (),
    force: Sequence[str] = (),
    set_: Sequence[str] = (),
    logger: str | None = None,
    dry_run: bool = False,
    verify: bool = False,
) -> None:
    """Run a pipeline: all stages from check-ins to a report.

    Args:
        pipeline: YAML file, or the name of one that lgsid carries (pipelines/demo.yaml).
        run_folder: Folder for the stages. By default runs/<name>, with -seed<seed> for a seed other than 2026 and a
            short hash of the overrides with --set, so that variants do not replace each other's results; what a
            variant has in common with the run without --set is copied from there.
        only: Run only this stage (repeatable).
        force: Run this stage even if it is up to date (repeatable).
        set_: STAGE.KEY=VALUE, an option of a stage (repeatable).
        logger: Config with trainer.logger, such as logger/wandb.yaml.
        dry_run: Say what would run and why; every option is parsed.
        verify: Read every file of earlier results to see whether it is as its stage wrote it; by default only files
            whose size or time has changed are read.
    """
    from lgsid.pipeline.pipeline import Pipeline
    from lgsid.pipeline.preflight import check_options
    from lgsid.pipeline.process_team import is_one_of_several
    from lgsid.pipeline.runner import Runner

    if is_one_of_several():
        raise LgsidError(
            "lgsid run: start it once, not with torchrun or srun; trainer.devices of a stage starts the rest"
        )
    overrides: dict[str, dict[str, Any]] = {}
    for text in set_:
        stage, key, value = split_override(text)
        overrides.setdefault(stage, {})[key] = value
    recipe = Pipeline.read(pipeline, run_folder, overrides, logger)
    runner = Runner(recipe, force, only, tell, verify)
    plan = runner.plan()
    check_options(recipe, [state.stage for state in plan if state.reason and state.source is None])
    if dry_run:
        for state in plan:
            tell(f"{state.stage.name}: {state}")
        return
    runner.run()
    show_reports(recipe)


def show_reports(recipe: Pipeline) -> None:
    """Print what the reports of a pipeline keep for the terminal."""
    from rich.text import Text

    from lgsid.artefacts.names import REPORT_TERMINAL_FILE

    for name in recipe.stages:
        path = recipe.folder(name) / REPORT_TERMINAL_FILE
        if path.is_file():
            console().print(Text.from_ansi(path.read_text(encoding="utf-8")))


def split_override(text: str) -> tuple[str, str, Any]:
    """Split `stage.key=value`; the value is read as YAML.

    Raises:
        LgsidError: if it has another form.
    """
    from lgsid.config.yaml_reader import read_values

    target, equals, value = text.partition("=")
    stage, dot, key = target.partition(".")
    if not (equals and stage and dot and key):
        raise LgsidError(f"--set {text!r}: expected STAGE.KEY=VALUE, for example tiger.trainer.max_epochs=1")
    return stage, key, read_values(value, f"--set {text!r}")
