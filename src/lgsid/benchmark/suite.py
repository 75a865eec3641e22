"""A suite: datasets, recipes, seeds, metric and budget of one table of the leaderboard. Read from a YAML file."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lgsid
from lgsid.artefacts.names import check_name, check_word
from lgsid.benchmark.definition import definitions, seedless
from lgsid.benchmark.entries import DATA_STAGE, with_controls
from lgsid.benchmark.suite_base import read_suite_file
from lgsid.benchmark.suite_file import DatasetEntry, MethodEntry
from lgsid.benchmark.tasks import TASKS, Task
from lgsid.config.config_files import find_config
from lgsid.errors import LgsidError, located
from lgsid.pipeline.pipeline import Pipeline, check_seed, check_stage, ordered
from lgsid.pipeline.stage import Stage
from lgsid.plugin_folders import plugin_file, plugin_folders
from lgsid.plugins import suggestion

logger = logging.getLogger(__name__)

MIN_SEEDS = 3
SUITES = "suites"  # the folder of suites in the package of a plugin


@dataclass(frozen=True)
class SuiteDataset:
    """One dataset of a suite.

    Args:
        name: Its name, such as foursquare_nyc.
        split: How it is split, "temporal" or "leave_one_out".
        title: What tables call it.
        config: The dataset config.
        options: Stage -> dotted key -> value, what the stages are told on this dataset only.
    """

    name: str
    split: str
    title: str
    config: Path
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name of its folders: dataset and split."""
        return f"{self.name}.{self.split}"


@dataclass(frozen=True)
class Method:
    """One row of a table.

    Args:
        name: Name of its result files.
        stage: The stage that measures it.
        title: What tables call it.
        help: What it is, in one sentence.
        role: "method", "control", or "counting" for what trains nothing.
        part: Where one stage measures several methods, the name that its metrics and files go by.
        against: Method that it is also compared with, beside the suite's baseline.
    """

    name: str
    stage: str
    title: str
    help: str = ""
    role: str = "method"
    part: str = ""
    against: str | None = None


@dataclass(frozen=True)
class Suite:
    """A validated suite, controls included.

    Args:
        name: Name of its result folder.
        title: Heading of its tables.
        description: One or two sentences.
        task: What is measured.
        seeds: Seeds of every method that learns.
        primaries: Metrics that answer its questions, behind their slices where they are of one (`explore/hit@10`).
        baseline: Method that the others are compared with first.
        budget: Dotted key -> value, the same for every stage that trains a method.
        datasets: What it runs on.
        stages: Name -> stage, before the dataset's own options.
        methods: The rows.
        source: The YAML file.
    """

    name: str
    title: str
    description: str
    task: Task
    seeds: tuple[int, ...]
    primaries: tuple[str, ...]
    baseline: str
    budget: Mapping[str, Any]
    datasets: tuple[SuiteDataset, ...]
    stages: Mapping[str, Stage]
    methods: Mapping[str, Method]
    source: Path

    @classmethod
    def read(cls, path: str | Path) -> Suite:
        """Read and check a suite file; the controls of its task are added.

        Args:
            path: The YAML file, or the name of a suite that lgsid or a plugin carries, with or without `.yaml`.

        Raises:
            LgsidError: if a key, task, stage, method or config is unknown, or the budget is not the same for all.
        """
        source = find_suite(path)
        content = read_suite_file(source, find_suite)
        for key in ("datasets", "stages", "methods"):
            if not getattr(content, key):
                raise LgsidError(f"{source}: {key} is missing")
        name = source.stem if content.name is None else content.name
        check_name(name, f"{source}: name")
        if content.task not in TASKS:
            raise LgsidError(f"{source}: task: {suggestion(content.task, TASKS)}")
        task = TASKS[content.task]
        stages, listed = with_controls(content, task, source)
        methods = {key: read_method(key, entry, stages, source) for key, entry in listed.items()}
        suite = cls(
            name=name,
            title=name if content.title is None else content.title,
            description=content.description,
            task=task,
            seeds=checked_seeds(content.seeds, source),
            primaries=tuple([content.primary] if isinstance(content.primary, str) else content.primary)
            or (task.primary,),
            baseline=next(iter(methods)) if content.baseline is None else content.baseline,
            budget=content.budget,
            datasets=tuple(read_dataset(entry, source) for entry in content.datasets),
            stages=budgeted(stages, methods, content.budget, source),
            methods=methods,
            source=source,
        )
        suite.check()
        return suite

    @property
    def primary(self) -> str:
        """The metric that orders the tables."""
        return self.primaries[0]

    def check(self) -> None:
        """Refuse names that nothing defines, on every dataset.

        Raises:
            LgsidError: naming the first.
        """
        for key in self.primaries:
            if key not in self.task.keys:
                raise LgsidError(f"{self.source}: primary: unknown metric; {suggestion(key, self.task.keys)}")
        if self.baseline not in self.methods:
            raise LgsidError(f"{self.source}: baseline: unknown method; {suggestion(self.baseline, self.methods)}")
        for method in self.methods.values():
            if method.against is not None and method.against not in self.methods:
                where = f"{self.source}: methods: {method.name}: against"
                raise LgsidError(f"{where}: unknown method; {suggestion(method.against, self.methods)}")
        keys = [dataset.key for dataset in self.datasets]
        if len(set(keys)) < len(keys):
            raise LgsidError(f"{self.source}: datasets: {', '.join(keys)}: each dataset and split may be there once")
        for dataset in self.datasets:
            for name in self.pipeline(dataset, self.seeds[0], Path("runs")).gathering:
                raise LgsidError(f"{self.source}: stage {name}: a stage that reads all others has no place in a suite")

    def pipeline(self, dataset: SuiteDataset, seed: int, runs: Path) -> Pipeline:
        """Return the recipe of all methods on one dataset, from one seed.

        Each stage's folder carries a hash of all that defines it. So what is the same is run once, for whatever
        methods, seeds and suites need it.

        Args:
            dataset: The dataset.
            seed: The seed.
            runs: Folder for the results of stages.

        Raises:
            LgsidError: if a stage refers to one that is not there.
        """
        stages = dict(self.stages)
        stages[DATA_STAGE] = Stage(DATA_STAGE, ("data prepare",), (dataset.config,))
        for name, options in dataset.options.items():
            if name not in stages:
                raise LgsidError(f"{self.source}: {dataset.key}: set: no such stage; {suggestion(name, stages)}")
            stages[name] = stages[name].with_options(options)
        ready = ordered({DATA_STAGE: stages.pop(DATA_STAGE), **stages}, self.source)
        pipeline = Pipeline(pipeline_name(self.name, dataset.key), seed, ready, self.source, runs / dataset.key)
        hashes = definitions(pipeline)
        places = {}
        for name, stage in ready.items():
            label = "any" if seedless(pipeline, stage) else str(seed)
            places[name] = runs / dataset.key / f"{name}.{label}.{hashes[name][:10]}"
        return replace(pipeline, places=places)


def pipeline_name(suite: str, dataset: str) -> str:
    """Return the name of the recipe of a suite on one dataset, given by its key."""
    return f"{suite}.{dataset}"


def find_suite(path: str | Path) -> Path:
    """Return the file that a name means.

    Raises:
        LgsidError: if there is no such suite, or several plugins offer it.
    """
    given = Path(path)
    for candidate in (given, suite_root() / given, suite_root() / f"{given}.yaml"):
        if candidate.is_file():
            return candidate
    offered = plugin_file(SUITES, Path(f"{given.name.removesuffix('.yaml')}.yaml"))
    if offered is not None and given.name == str(given):
        return offered
    known = [path.stem for path in (*own_suites(), *plugin_suites())]
    raise LgsidError(f"{given}: no such suite; {suggestion(given.stem, known)}")


def suite_root() -> Path:
    """Return the folder of lgsid's own suites: inside the installed package, or in the checkout."""
    package = Path(lgsid.__file__).resolve().parent
    packaged = package / "suites"
    return packaged if packaged.is_dir() else package.parents[1] / "benchmarks" / "suites"


def own_suites() -> list[Path]:
    """List lgsid's own suites, sorted."""
    return sorted(suite_root().glob("*.yaml"))


def plugin_suites() -> list[Path]:
    """List the suites of installed plugins, sorted by package and name."""
    return [path for folder in plugin_folders(SUITES).values() for path in sorted(folder.glob("*.yaml"))]


def installed_suites() -> dict[str, Suite]:
    """Read lgsid's own suites and those of plugins, by name; one of a plugin that is wrong is a warning.

    Raises:
        LgsidError: if one of lgsid's own is wrong.
    """
    found = {suite.name: suite for suite in map(Suite.read, own_suites())}
    for path in plugin_suites():
        try:
            suite = Suite.read(path)
            if suite.name in found:
                raise LgsidError(f"{path}: name: {suite.name} is a suite of {found[suite.name].source}")
        except LgsidError as error:
            logger.warning("a suite of a plugin is left out: %s", error)
            continue
        found[suite.name] = suite
    return found


def checked_seeds(seeds: Sequence[int], source: Path) -> tuple[int, ...]:
    """Return the seeds, each once.

    Raises:
        LgsidError: if they are fewer than three, or one is out of range.
    """
    if len(set(seeds)) < MIN_SEEDS:
        raise LgsidError(f"{source}: seeds: {len(set(seeds))} given; a comparison needs at least {MIN_SEEDS}")
    for seed in seeds:
        check_seed(seed, str(source))
    return tuple(dict.fromkeys(seeds))


def read_dataset(entry: DatasetEntry, source: Path) -> SuiteDataset:
    """Check the entry of one dataset.

    Raises:
        LgsidError: if its name cannot name a folder, or its config is not there.
    """
    for key, text in (("name", entry.name), ("split", entry.split)):
        check_word(text, f"{source}: datasets: {key}")
    check_name(f"{entry.name}.{entry.split}", f"{source}: datasets")
    title = f"{entry.name}, {entry.split}" if entry.title is None else entry.title
    with located(f"{source}: datasets"):
        config = find_config(entry.config, source.parent)
    return SuiteDataset(entry.name, entry.split, title, config, entry.set or {})


def read_method(name: str, entry: MethodEntry, stages: Mapping[str, Stage], source: Path) -> Method:
    """Check the entry of one method.

    Raises:
        LgsidError: if its name cannot name a file, or its stage is unknown.
    """
    where = f"{source}: method {name}"
    check_word(name, f"{source}: methods")
    if entry.part:
        check_word(entry.part, f"{where}: part")
    stage = name if entry.stage is None else entry.stage
    if stage not in stages:
        raise LgsidError(f"{where}: no such stage; {suggestion(stage, stages)}")
    return Method(
        name, stage, name if entry.title is None else entry.title, entry.help, entry.role, entry.part, entry.against
    )


def budgeted(
    stages: Mapping[str, Stage], methods: Mapping[str, Method], budget: Mapping[str, Any], source: Path
) -> dict[str, Stage]:
    """Give every stage that trains a method the same budget: epochs, and what else the suite fixes.

    Raises:
        LgsidError: if a stage sets a key of the budget itself, or a key is one that the suite gives.
    """
    measured = {method.stage for method in methods.values()}
    result = dict(stages)
    for name, stage in stages.items():
        own = set(stage.options) & set(budget)
        if own:
            raise LgsidError(f"{source}: stage {name}: {sorted(own)[0]} is in the budget, which is the same for all")
        if name in measured and "fit" in stage.commands:
            result[name] = stage.with_options(budget)
            check_stage(result[name], f"{source}: budget: stage {name}")
    return result
