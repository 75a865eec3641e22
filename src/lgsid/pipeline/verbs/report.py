"""Write figures and tables over all stages of a pipeline."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from lgsid.pipeline.verbs.verb import Job, Verb

COLUMNS = 80


class Report(Verb):
    """Figures and tables over all stages before. What the terminal shows at the end is kept beside them."""

    required = ()
    needs_config = False
    reads_everything = True

    @property
    def code(self) -> tuple[str, ...]:
        """The report's module."""
        return ("lgsid.report.pipeline_report:write_report",)

    def run(self, job: Job) -> Mapping[str, Any]:
        """Write the report."""
        from dataclasses import replace

        from rich.console import Console

        from lgsid.artefacts.files import write_text
        from lgsid.artefacts.names import REPORT_TERMINAL_FILE
        from lgsid.report.pipeline_report import write_report

        stages = {name: job.pipeline.folder(name) for name in job.stage.needs}
        report = replace(write_report(stages, job.folder), folder=job.pipeline.folder(job.stage.name))
        buffer = io.StringIO()
        Console(file=buffer, width=COLUMNS, force_terminal=True, color_system="truecolor").print(report)
        write_text(job.folder / REPORT_TERMINAL_FILE, buffer.getvalue())
        return {}
