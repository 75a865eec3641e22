"""The table of the reward, whose metrics are grouped by what was scored."""

from __future__ import annotations

from lgsid.pipeline.report_table import ReportTable
from lgsid.pipeline.report_tables import number
from lgsid.pipeline.stage_results import PipelineResults


def reward_table(results: PipelineResults) -> ReportTable | None:
    """Show the held-out metrics of every reward: `test/group/metric`, one row per group."""
    rows = [
        (stage.name, key, number(stage.metrics[key]))
        for stage in results.rewards
        for key in sorted(stage.metrics)
        if "spearman" in key or "ndcg" in key
    ]
    return ReportTable("Reward", ("stage", "metric", "value"), tuple(rows), 2) if rows else None
