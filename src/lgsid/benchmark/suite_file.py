"""The content of a suite file, merged over its base, and of a file of controls, before they are stages and methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["method", "control", "counting"]


@dataclass(frozen=True)
class SuiteStage:
    """One stage of a suite.

    Args:
        command: What it runs; several, one after the other, in one folder.
        config: Config files; later ones override earlier ones.
        set: Dotted key -> value, over the configs, and over those of the stage that it is like.
        like: Stage whose commands, configs and settings it has where it says nothing.
        needs: Names of `reference` without which a control is left out.
    """

    command: list[str] | str | None = None
    config: list[str] | str | None = None
    set: dict[str, Any] | None = None
    like: str | None = None
    needs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DatasetEntry:
    """One dataset of a suite.

    Args:
        name: Its name.
        split: How it is split.
        config: Dataset config, relative to the suite file.
        title: What tables call it.
        set: Stage -> dotted key -> value, on this dataset only.
    """

    name: str
    split: str
    config: str
    title: str | None = None
    set: dict[str, dict[str, Any]] | None = None


@dataclass(frozen=True)
class MethodEntry:
    """One row of a table.

    Args:
        stage: The stage that measures it, or that `judge` measures; that of its own name if `None`.
        title: What tables call it.
        help: What it is, in one sentence.
        part: Where one stage measures several methods, the name that its metrics and files go by.
        role: Whether it is a method, a control, or trains nothing.
        against: Method that it is also compared with, beside the suite's baseline: the same model without what it adds.
    """

    stage: str | None = None
    title: str | None = None
    help: str = ""
    part: str = ""
    role: Role = "method"
    against: str | None = None


@dataclass(frozen=True)
class SuiteFile:
    """A suite file.

    Args:
        task: What is measured.
        seeds: Random seeds of every method that learns.
        datasets: What it runs on.
        stages: Name -> stage.
        methods: Name -> row.
        reference: What controls copy -> stage; none where nothing reads semantic IDs.
        name: Name of its result folder; that of the file if `None`.
        title: Heading of its tables.
        description: One or two sentences.
        primary: Metrics that answer the questions of the suite, behind their slices where they are of one; the first
            orders the tables. A single one may be given as it is; none means that of the task.
        baseline: Method that the others are compared with first; the first if `None`.
        budget: Dotted key -> value, the same for every stage that trains a method.
        judge: The stage that measures every row of role "method", where stages do not measure themselves; `$method` in
            it means the row's own stage.
    """

    task: str
    seeds: list[int]
    datasets: list[DatasetEntry]
    stages: dict[str, SuiteStage]
    methods: dict[str, MethodEntry]
    reference: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    title: str | None = None
    description: str = ""
    primary: str | list[str] = field(default_factory=list)
    baseline: str | None = None
    budget: dict[str, Any] = field(default_factory=dict)
    judge: SuiteStage | None = None


@dataclass(frozen=True)
class ControlsFile:
    """What every suite of a task also measures.

    Args:
        stages: Name -> stage.
        methods: Name -> row.
    """

    stages: dict[str, SuiteStage]
    methods: dict[str, MethodEntry]
