"""One step of a pipeline, as its YAML file describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

SEED = "seed"  # `$seed` is the pipeline's seed, so no stage has this name
REFERENCE = re.compile(r"\$(?P<stage>[A-Za-z0-9_-]+)(?:/(?P<path>.*))?")


@dataclass(frozen=True)
class Stage:
    """What one stage runs, on what.

    Args:
        name: Name of the stage and of its run folder.
        commands: What it runs, in this order ("fit", "test").
        configs: Config files, later ones override earlier ones.
        options: Dotted key -> value, over the configs. A value `$other/file` means a file of another stage, `$seed` the
            seed of the pipeline.
        needs: Names of the stages that must be complete before.
    """

    name: str
    commands: tuple[str, ...]
    configs: tuple[Path, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def references(self) -> list[tuple[str, str]]:
        """Return the stage and the path inside its folder ("" for the folder) that each reference means."""
        found: list[tuple[str, str]] = []

        def note(stage: str, path: str) -> str:
            if stage != SEED:
                found.append((stage, path))
            return ""

        substituted(self.options, note)
        return found

    def with_options(self, options: Mapping[str, Any]) -> Stage:
        """Return the stage with more options, which win over those it has."""
        return replace(self, options={**self.options, **options})


def substituted(value: Any, lookup: Callable[[str, str], Any]) -> Any:
    """Replace each reference inside nested values by `lookup(stage, path)`; `$$` at the start stands for one `$`."""
    if isinstance(value, Mapping):
        return {key: substituted(inner, lookup) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [substituted(inner, lookup) for inner in value]
    if isinstance(value, str) and value.startswith("$$"):
        return value[1:]
    if isinstance(value, str) and (match := REFERENCE.fullmatch(value)):
        return lookup(match["stage"], match["path"] or "")
    return value
