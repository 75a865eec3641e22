"""A recipe: stages, what they run, and what they hand each other. Read from a YAML file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from lgsid.errors import LgsidError
from lgsid.pipeline.config_files import find_config, read_yaml
from lgsid.pipeline.stage import SEED, Stage, substituted
from lgsid.pipeline.verbs import VERBS
from lgsid.plugins import suggestion

PIPELINE_KEYS = ("name", "seed", "stages", "logger")
STAGE_KEYS = ("verb", "config", "set")


@dataclass(frozen=True)
class Pipeline:
    """A validated recipe and the folder where it runs.

    Args:
        name: Name of the recipe.
        seed: Seed that every stage starts from.
        stages: Name -> stage, in the order in which they run.
        source: The YAML file.
        run_folder: Folder that holds one folder per stage.
        logger: A config with `trainer.logger` for every training, or `None` for CSV files.
        places: Stage -> folder of its result, for stages whose result does not lie in the run folder under their name.
    """

    name: str
    seed: int
    stages: Mapping[str, Stage]
    source: Path
    run_folder: Path
    logger: Path | None = None
    places: Mapping[str, Path] = field(default_factory=dict)

    def folder(self, stage: str) -> Path:
        """Return the folder that holds the result of a stage."""
        return self.places.get(stage, self.run_folder / stage)

    def seed_of(self, stage: Stage) -> int | None:
        """Return the seed that a stage starts from, `None` if its result is the same for every seed."""
        return self.seed if any(VERBS[verb].seeded for verb in stage.verbs) else None

    def options(self, stage: Stage) -> dict[str, Any]:
        """Return the options of a stage with paths, and the seed, in the place of references."""

        def meant(name: str, path: str) -> str | int:
            return self.seed if name == SEED else str(self.folder(name) / path)

        return {key: substituted(value, meant) for key, value in stage.options.items()}

    @property
    def gathering(self) -> list[str]:
        """Names of the stages that read all others, such as a report."""
        return [name for name, stage in self.stages.items() if any(VERBS[v].reads_everything for v in stage.verbs)]

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
            run_folder: Where it runs, `runs/<name>` by default.
            overrides: Stage -> dotted key -> value, over what the file sets.
            logger: A config with `trainer.logger`, over what the file names.

        Raises:
            LgsidError: if a key, a verb, a stage or a config file is unknown, or stages wait for each other.
        """
        source = find_config(path)
        content = read_yaml(source)
        check_keys(content, PIPELINE_KEYS, str(source))
        name, seed, listed = content.get("name", source.stem), content.get("seed", 2026), content.get("stages")
        check_name(name, str(source))
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise LgsidError(f"{source}: seed: expected a whole number, found {seed!r}")
        if not isinstance(listed, dict) or not listed:
            raise LgsidError(f"{source}: stages: expected at least one `stage: {{verb: ...}}`")
        stages = {str(key): read_stage(str(key), value, source) for key, value in listed.items()}
        for stage, options in (overrides or {}).items():
            if stage not in stages:
                raise LgsidError(f"no stage {stage!r} in {source}; {suggestion(stage, stages)}")
            stages[stage] = stages[stage].with_options(options)
        chosen = find_config(logger) if logger is not None else content.get("logger")
        if isinstance(chosen, str):
            chosen = find_config(chosen, source.parent)
        folder = Path(run_folder) if run_folder is not None else Path("runs") / name
        return cls(name, seed, ordered(stages, source), source, folder, chosen)


def check_name(name: Any, where: str) -> None:
    """Refuse a name that is not the name of one folder: a path, a hidden folder, or the folder above.

    Raises:
        LgsidError: naming what was found.
    """
    if not isinstance(name, str) or not name.strip() or name.startswith(".") or set(name) & set("/\\\0\n"):
        raise LgsidError(f"{where}: name: expected a word that can name a folder, found {name!r}")


def check_keys(content: Mapping[Any, Any], known: Collection[str], where: str) -> None:
    """Refuse keys that nothing reads.

    Raises:
        LgsidError: naming the first such key and the known ones.
    """
    for key in content:
        if key not in known:
            raise LgsidError(f"{where}: unknown key {key!r}; {suggestion(str(key), known)}")


def read_stage(name: str, content: Any, source: Path) -> Stage:
    """Check the entry of one stage.

    Raises:
        LgsidError: if it has an unknown key or verb, or names a config file that is not there.
    """
    where = f"{source}: stage {name}"
    if not isinstance(content, dict):
        raise LgsidError(f"{where}: expected keys {', '.join(STAGE_KEYS)}, found {content!r}")
    check_keys(content, STAGE_KEYS, where)
    if not all(part.isalnum() for part in name.replace("-", "_").split("_") if part) or not name.strip("_-"):
        raise LgsidError(f"{where}: a stage name has letters, digits, `-` and `_` only")
    if name == SEED:
        raise LgsidError(f"{where}: ${SEED} means the seed of the pipeline; choose another name")
    verbs = content.get("verb")
    verbs = tuple(verbs) if isinstance(verbs, list) else (verbs,)
    for verb in verbs:
        if verb not in VERBS:
            raise LgsidError(f"{where}: unknown verb {verb!r}; {suggestion(str(verb), VERBS)}")
    configs = content.get("config") or []
    configs = configs if isinstance(configs, list) else [configs]
    paths = tuple(find_config(str(config), source.parent) for config in configs)
    options = content.get("set") or {}
    if not isinstance(options, dict):
        raise LgsidError(f"{where}: set: expected `dotted.key: value` pairs, found {options!r}")
    stage = Stage(name, verbs, paths, {str(key): value for key, value in options.items()})
    for verb in verbs:
        VERBS[verb].check(stage, where)
    return stage


def ordered(stages: Mapping[str, Stage], source: Path) -> dict[str, Stage]:
    """Sort stages so that each comes after what it needs, in the order of the file where that leaves a choice.

    Raises:
        LgsidError: if a reference names an unknown stage, or stages wait for each other.
    """
    complete: dict[str, Stage] = {}
    for name, stage in stages.items():
        needs = [other for other, _ in stage.references()]
        for other in needs:
            if other not in stages:
                raise LgsidError(f"{source}: stage {name} refers to ${other}; {suggestion(other, stages)}")
        if any(VERBS[verb].reads_everything for verb in stage.verbs):
            needs += list(complete)
        complete[name] = Stage(name, stage.verbs, stage.configs, stage.options, tuple(dict.fromkeys(needs)))
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
