"""The table of what each stage took."""

from __future__ import annotations

from lgsid.report.report_table import ReportTable, number
from lgsid.report.stage_results import PipelineResults


def stage_table(results: PipelineResults) -> ReportTable | None:
    """List seconds and memory of each stage."""
    rows = [(s.name, s.seconds, s.peak_memory_mb) for s in results.stages]
    if not any(seconds is not None for _, seconds, _ in rows):
        return None
    cells = [(name, number(seconds, 1), number(memory, 0)) for name, seconds, memory in rows]
    total = sum(seconds for _, seconds, _ in rows if seconds is not None)
    cells.append(("all", number(total, 1), number(max((m for _, _, m in rows if m is not None), default=None), 0)))
    return ReportTable("Stages", ("stage", "seconds", "peak MB"), tuple(cells), breaks=(len(rows) - 1,))
