"""Colors that all figures share, chosen for light paper and for readers who see red and green alike."""

from __future__ import annotations

# Searched for, not picked: of the colors of middle lightness and chroma, fifteen whose smallest distance in OKLab is
# .13, and .084 as a protanope or a deuteranope sees them (Machado et al. 2009, severity 1). The test checks both.
CATEGORICAL: tuple[str, ...] = (
    "#1a3e99",
    "#df811a",
    "#0b9d77",
    "#98495c",
    "#58cdfc",
    "#896d0d",
    "#7759c0",
    "#e4b826",
    "#346d8b",
    "#d673c0",
    "#50490e",
    "#7794fb",
    "#95b180",
    "#761766",
    "#deaec0",
)

INK = "#22262b"  # text
SOFT_INK = "#5f6872"  # notes, tick labels
RULE = "#d9dde2"  # grid lines, frames
GRAY = "#c9ced4"  # all that has no color of its own
PAPER = "#ffffff"

BEFORE = "#9aa5b1"  # the frozen encoder, controls, chance
AFTER = "#1a3e99"  # the aligned encoder, our own models
COUNTING = "#df811a"  # models that count instead of learning
