"""The table of the rewards: how well they order held-out lists of locations by distance."""

from __future__ import annotations

import re

from lgsid.pipeline.report_table import ReportTable
from lgsid.pipeline.report_tables import number
from lgsid.pipeline.stage_results import PipelineResults

MEASURE = re.compile(r"heldout/(?P<kind>[^/]+)/(?P<base>|cosine_|chance_)(?P<name>spearman|ndcg@\d+)")
BASES = {"": "", "cosine_": "cosine ", "chance_": "chance "}
NAMES = {"spearman": "Spearman"}


def reward_table(results: PipelineResults) -> ReportTable | None:
    """Show, for each kind of prompts, the reward beside the frozen cosine and chance."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    columns: dict[str, tuple[bool, str, int]] = {}
    for stage in results.rewards:
        for key in sorted(stage.metrics):
            match = MEASURE.fullmatch(key)
            if match:
                name = NAMES.get(match["name"], match["name"].upper())
                heading = BASES[match["base"]] + name
                columns[heading] = (match["name"] != "spearman", match["name"], list(BASES).index(match["base"]))
                found.setdefault((stage.name, match["kind"]), {})[heading] = stage.metrics[key]
    if not found:
        return None
    headings = sorted(columns, key=columns.__getitem__)
    rows = tuple((*names, *(number(values.get(heading)) for heading in headings)) for names, values in found.items())
    note = "Held-out places, true location left out. Spearman: score with minus distance. cosine: without a head."
    return ReportTable("Reward", ("stage", "prompts", *headings), rows, 2, note)
