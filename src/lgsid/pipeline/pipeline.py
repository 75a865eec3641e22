"""A recipe: stages, what they run, and what they hand each other. Read from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from lgsid.artefacts.names import check_inside, check_name, check_word
from lgsid.config.config_files import find_config, read_yaml
from lgsid.config.typed_reader import read_into
from lgsid.errors import LgsidError
from lgsid.pipeline.command import SUPPLIED, Command, stage_kind
from lgsid.pipeline.run_folder import USUAL_SEED, default_run_folder
from lgsid.pipeline.stage import SEED, Stage, substituted
from lgsid.plugins import suggestion

MAX_SEED = 2**32 - 1  # that of numpy's global generator
RENAMED = {"verb": "command"}  # key of older files -> key now


@dataclass(frozen=True)
class StageEntry:
    """One stage, as a pipeline file describes it.

    Args:
        command: What it runs; several, one after the other, in one folder.
        config: Config files, relative to the pipeline file; later ones override earlier ones.
        set: Dotted key -> value, over the configs.
    """

    command: list[str] | str
    config: list[str] | str | None = None
    set: dict[str, Any] | None = None


@dataclass(frozen=True)
class PipelineFile:
    """The content of a pipeline file.

    Args:
        stages: Name -> stage.
        name: Name of the pipeline; that of the file if `None`.
        seed: Random seed for all stages.
        logger: A config with `trainer.logger` for every training.
    """

    stages: dict[str, StageEntry]
    name: str | None = None
    seed: int = USUAL_SEED
    logger: str | None = None


@dataclass(frozen=True)
class Pipeline:
    """A validated recipe and the folder where it runs.

    Args:
        name: Name of the recipe.
        seed: Random seed that every stage starts from.
        stages: Name -> stage, in the order in which they run.
        source: The YAML file.
        run_folder: Folder that holds one folder per stage.
        logger: A config with `trainer.logger` for every training, or `None` for CSV files.
        places: Stage -> folder of its result, for stages whose result does not lie in the run folder under their name.
        variant_of: Run folder of the same recipe without overrides, whose results are copied where they are the same.
    """

    name: str
    seed: int
    stages: Mapping[str, Stage]
    source: Path
    run_folder: Path
    logger: Path | None = None
    places: Mapping[str, Path] = field(default_factory=dict)
    variant_of: Path | None = None

    def folder(self, stage: str) -> Path:
        """Return the folder that holds the result of a stage."""
        return self.places.get(stage, self.run_folder / stage)

    def seed_of(self, stage: Stage) -> int | None:
        """Return the seed that a stage starts from, `None` if its result is the same for every seed."""
        return self.seed if any(stage_kind(name).traits.seeded for name in stage.commands) else None

    def options(self, stage: Stage) -> dict[str, Any]:
        """Return the options of a stage with paths, and the seed, in the place of references."""

        def meant(name: str, path: str) -> str | int:
            return self.seed if name == SEED else str(self.folder(name) / path)

        return {key: substituted(value, meant) for key, value in stage.options.items()}

    def supplied(self, stage: Stage, found: Command[..., Any], folder: Path | None = None) -> dict[str, Any]:
        """Return what a command is given beside the options of its stage.

        Args:
            stage: The stage.
            found: The command.
            folder: Where the results go, the final folder if `None`.
        """
        configs = [str(path) for path in stage.configs]
        option = found.option("config")
        return {
            "config": configs if option is not None and option.many else next(iter(configs), None),
            "output": str(folder or self.folder(stage.name)),
            "seed": self.seed,
            "logger": str(self.logger) if self.logger else None,
            "stages": [str(self.folder(name)) for name in stage.needs],
        }

    @property
    def gathering(self) -> list[str]:
        """Names of the stages that read all others, such as a report."""
        return [name for name, stage in self.stages.items() if gathers(stage)]

    @classmethod
    def read(
        cls,
        path: str | Path,
        run_folder: str | Path | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        logger: str | Path | None = None,
    ) -> Pipeline:
        """Read and check a pipeline file.

        Args:
            path: The YAML file, or the name of one that lgsid carries.
            run_folder: Where it runs, see `default_run_folder`.
            overrides: Stage -> dotted key -> value, over what the file sets.
            logger: A config with `trainer.logger`, over what the file names.

        Raises:
            LgsidError: if a key, a command, a stage or a config file is unknown, or stages wait for each other.
        """
        source = find_config(path)
        content = read_into(PipelineFile, read_yaml(source), str(source), RENAMED)
        name = source.stem if content.name is None else content.name
        check_name(name, f"{source}: name")
        check_seed(content.seed, str(source))
        if not content.stages:
            raise LgsidError(f"{source}: stages: expected at least one `stage: {{command: ...}}`")
        stages = {key: read_stage(key, entry, source) for key, entry in content.stages.items()}
        for stage, options in (overrides or {}).items():
            if stage not in stages:
                raise LgsidError(f"no stage {stage!r} in {source}; {suggestion(stage, stages)}")
            stages[stage] = stages[stage].with_options(options)
            check_stage(stages[stage], f"{source}: stage {stage}")
        chosen = find_config(logger) if logger is not None else None
        if chosen is None and content.logger is not None:
            chosen = find_config(content.logger, source.parent)
        folder = Path(run_folder) if run_folder is not None else default_run_folder(name, content.seed, overrides or {})
        base = default_run_folder(name, content.seed, {}) if run_folder is None and overrides else None
        return cls(name, content.seed, ordered(stages, source), source, folder, chosen, variant_of=base)


def check_seed(seed: int, where: str) -> None:
    """Refuse a seed that a random generator of numpy or torch does not take.

    Raises:
        LgsidError: naming it.
    """
    if not 0 <= seed <= MAX_SEED:
        raise LgsidError(f"{where}: seed {seed} is not in 0..{MAX_SEED}")


def read_stage(name: str, entry: StageEntry, source: Path) -> Stage:
    """Check the entry of one stage.

    Raises:
        LgsidError: if its name cannot be one, a command is unknown or cannot run so, or a config file is not there.
    """
    where = f"{source}: stage {name}"
    check_word(name, f"{source}: stages")
    if name == SEED:
        raise LgsidError(f"{where}: ${SEED} means the seed of the pipeline; choose another name")
    commands = (entry.command,) if isinstance(entry.command, str) else tuple(entry.command)
    configs = [entry.config] if isinstance(entry.config, str) else entry.config or []
    paths = tuple(find_config(config, source.parent) for config in configs)
    stage = Stage(name, commands, paths, entry.set or {})
    check_stage(stage, where)
    return stage


def check_stage(stage: Stage, where: str) -> None:
    """Refuse a stage whose commands could not run, as far as their signatures tell.

    Raises:
        LgsidError: if a command is unknown, its config is missing, or an option is unknown or missing.
    """
    if not stage.commands:
        raise LgsidError(f"{where}: command: expected at least one")
    for number, name in enumerate(stage.commands):
        found = stage_kind(name, where)
        traits, known = found.traits, {o.key: o for o in found.options if o.name not in SUPPLIED}
        config = found.option("config")
        if config is None and stage.configs:
            raise LgsidError(f"{where}: {name!r} reads no config; give its arguments in `set`")
        if config is not None and config.required and not stage.configs:
            raise LgsidError(f"{where}: config is missing; name the YAML file that {name!r} reads")
        if config is not None and not config.many and len(stage.configs) > 1:
            raise LgsidError(f"{where}: {name!r} reads one config, found {len(stage.configs)}")
        for key in stage.options if not found.open_ended else ():
            if key not in known:
                raise LgsidError(f"{where}: unknown key {key!r} in set; {suggestion(key, known)}")
        for key in stage.options if found.open_ended else ():
            if found.option(key) is not None:
                raise LgsidError(f"{where}: {key!r} in set is given by the pipeline; leave it out")
        for key, option in known.items():
            if option.required and key not in stage.options and not (key == SEED and traits.seeded):
                raise LgsidError(f"{where}: set lacks {key!r}")
        if traits.follows and traits.follows not in stage.commands[:number] and traits.unless not in stage.options:
            both = f"command: [{traits.follows}, {name}]"
            raise LgsidError(f"{where}: nothing to {name}; write `{both}`, or set {traits.unless}")


def gathers(stage: Stage) -> bool:
    """Tell whether a stage reads the results of all others."""
    return any(stage_kind(name).reads_everything for name in stage.commands)


def ordered(stages: Mapping[str, Stage], source: Path) -> dict[str, Stage]:
    """Sort stages so that each comes after what it needs, in the order of the file where that leaves a choice.

    Raises:
        LgsidError: if a reference names an unknown stage, or stages wait for each other.
    """
    complete: dict[str, Stage] = {}
    for name, stage in stages.items():
        for _, inner in stage.references():
            check_inside(inner, f"{source}: stage {name}")
        needs = [other for other, _ in stage.references()]
        for other in needs:
            if other not in stages:
                raise LgsidError(f"{source}: stage {name} refers to ${other}; {suggestion(other, stages)}")
        if gathers(stage):
            needs += list(complete)
        complete[name] = Stage(name, stage.commands, stage.configs, stage.options, tuple(dict.fromkeys(needs)))
    sorter = TopologicalSorter({name: stage.needs for name, stage in complete.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise LgsidError(f"{source}: stages wait for each other: {' -> '.join(error.args[1])}") from error
    rank = {name: number for number, name in enumerate(complete)}
    result: dict[str, Stage] = {}
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=rank.__getitem__)
        name, *ready = ready
        result[name] = complete[name]
        sorter.done(name)
    return result
