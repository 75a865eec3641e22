"""The tables of what stages found."""

from __future__ import annotations

from lgsid.report.embedding_tables import alignment_table, reads_table, reward_table
from lgsid.report.place_examples import branch_examples, prefix_examples
from lgsid.report.recommender_tables import click_table, details_table, leaderboard_table, new_places_table
from lgsid.report.report_table import ReportTable
from lgsid.report.sid_tables import card_table
from lgsid.report.stage_results import PipelineResults


def result_tables(results: PipelineResults) -> dict[str, ReportTable]:
    """Return key -> table, for which there are results, in the order of a report."""
    made = {
        "new_places": new_places_table(results.recommenders),
        "leaderboard": leaderboard_table(results.recommenders),
        "beyond": details_table(results.recommenders),
        "click": click_table(results.click_models),
        "card": card_table(results),
        "examples": prefix_examples(results),
        "branches": branch_examples(results),
        "alignment": alignment_table(results),
        "rewards": reward_table(results),
        "reads": reads_table(results),
    }
    return {key: table for key, table in made.items() if table is not None}
