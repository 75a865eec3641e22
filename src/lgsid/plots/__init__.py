"""Functions that return a matplotlib Figure (or a text for the terminal) from artefacts and numbers."""

from lgsid.plots.canvas import save_png
from lgsid.plots.embedding_projection import embedding_projection
from lgsid.plots.leaderboard import ModelScores, leaderboard
from lgsid.plots.neighbourhood_bars import BeforeAfter, neighbourhood_bars
from lgsid.plots.prefix_distances import prefix_distances
from lgsid.plots.sid_map import sid_map
from lgsid.plots.terminal_map import terminal_map

__all__ = [
    "BeforeAfter",
    "ModelScores",
    "embedding_projection",
    "leaderboard",
    "neighbourhood_bars",
    "prefix_distances",
    "save_png",
    "sid_map",
    "terminal_map",
]
