"""`lgsid report`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.pipeline.command import AsStage, command
from lgsid.terminal import WIDTH

if TYPE_CHECKING:
    from rich.console import RenderableType


@command(stage=AsStage(code=("lgsid.report.pipeline_report:write_report",)))
def report(stages: Sequence[str], *, output: str, logger: str | None = None) -> RenderableType:
    """Write figures and tables over the stages of a pipeline. What the terminal shows is kept beside them.

    Args:
        stages: Folders of the stages, in the order in which they ran.
        output: Folder for the report.
        logger: Config with trainer.logger, such as logger/wandb.yaml; figures and tables go there, too.
    """
    from dataclasses import replace

    from rich.text import Text

    from lgsid.artefacts.files import write_text
    from lgsid.artefacts.names import REPORT_TERMINAL_FILE
    from lgsid.console import DataConsole
    from lgsid.logs import LoggedResults, configured_loggers
    from lgsid.report.pipeline_report import write_report

    final = Path(output.removesuffix(".partial"))  # as a stage it gets this name when it is complete
    made = write_report({Path(stage).name: Path(stage) for stage in stages}, Path(output))
    with configured_loggers(logger, Path(output), final.name) as loggers:
        figures = {Path(file).stem: (Path(output) / file, caption) for file, caption in made.figures.items()}
        cards = {name: entry["card"] for name, entry in made.data["semantic_ids"].items()}
        LoggedResults(made.tables, figures, cards).log(loggers)
    found = replace(made, folder=final)
    buffer = io.StringIO()
    DataConsole(file=buffer, width=WIDTH, force_terminal=True, color_system="truecolor").print(found)
    write_text(Path(output) / REPORT_TERMINAL_FILE, buffer.getvalue())
    return Text.from_ansi(buffer.getvalue())
