"""Functions that return a matplotlib Figure (or a text for the terminal) from artefacts and numbers."""

from lgsid.plots.alignment_dial import DialPoint, alignment_dial
from lgsid.plots.canvas import save_png
from lgsid.plots.coverage_radar import coverage_radar
from lgsid.plots.embedding_projection import embedding_projection
from lgsid.plots.first_code_bars import first_code_bars
from lgsid.plots.neighborhood_bars import BeforeAfter, neighborhood_bars
from lgsid.plots.prefix_distances import prefix_distances
from lgsid.plots.ranking_bars import ModelScores, ranking_bars
from lgsid.plots.sid_map import sid_map
from lgsid.plots.terminal_map import terminal_map

__all__ = [
    "BeforeAfter",
    "DialPoint",
    "ModelScores",
    "alignment_dial",
    "coverage_radar",
    "embedding_projection",
    "first_code_bars",
    "neighborhood_bars",
    "prefix_distances",
    "ranking_bars",
    "save_png",
    "sid_map",
    "terminal_map",
]
