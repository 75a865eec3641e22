"""The rooms whose source is mutated, and the tests that judge the mutants of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """Files to mutate (patterns below `src/lgsid`) and tests (paths below `tests/unit`).

    Tests that read the source tree (`test_layers.py`, `test_code_version.py`) see a mutated copy as another program
    and belong to no room.
    """

    source: tuple[str, ...]
    tests: tuple[str, ...]


STATISTICS = ("comparison", "user_scores", "click_scores", "ranking_scores", "query_slices", "markdown_tables")
ROOMS = {
    "functional": Room(
        ("functional/*",),
        ("functional", "metrics", "alignment/test_preference_losses.py", "tokenizers/test_collisions.py"),
    ),
    "benchmark": Room(
        tuple(f"benchmark/{name}.py" for name in STATISTICS),
        tuple(f"benchmark/test_{name}.py" for name in ("comparison", "user_scores", "markdown_tables", "query_slices")),
    ),
    "alignment": Room(("alignment/*",), ("alignment",)),
    "recommenders": Room(("recommenders/*",), ("recommenders",)),
    "artefacts": Room(("artefacts/*",), ("artefacts",)),
}
