"""The results of a pipeline, read from the folders of its stages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lgsid.artefacts import Dataset, Embeddings, Items, SemanticIDs
from lgsid.artefacts.files import is_finite_number, read_json
from lgsid.artefacts.names import (
    CARD_FILE,
    DATASET_FILE,
    EMBEDDINGS_FILE,
    FIT_CONFIG_FILE,
    INTERACTIONS_FILE,
    ITEMS_FILE,
    METRICS_FILE,
    PROVENANCE_FILE,
    REFERENCE_EMBEDDINGS_FILE,
    SIDS_FILE,
)
from lgsid.artefacts.stage_record import check_recorded
from lgsid.config.config_files import read_yaml
from lgsid.metrics import click_declarations, ranking_declarations
from lgsid.metrics.card import quality_card
from lgsid.plots import ModelScores

DATASET_FILES = (ITEMS_FILE, INTERACTIONS_FILE, DATASET_FILE)
EMBEDDING_FILES = (REFERENCE_EMBEDDINGS_FILE, EMBEDDINGS_FILE)  # before and after
FILES_OF_STAGES = (*DATASET_FILES, *EMBEDDING_FILES, SIDS_FILE, METRICS_FILE, PROVENANCE_FILE)
HELDOUT = "heldout/"  # what a reward measures, on lists of held-out places
CONTROL_TOKENIZERS = {"RandomTokenizer", "Permuted", "PlainTokenizer"}  # codes without meaning


@dataclass(frozen=True)
class StageResults:
    """The small files of one stage; large ones are read on demand.

    Args:
        name: Name of the stage.
        folder: Its run folder.
        metrics: Flat name -> value, of the finite numbers in `metrics.json`.
        provenance: Seconds, memory, commit and so on, as far as recorded.
        config: The config it was trained with, as far as recorded.
    """

    name: str
    folder: Path
    metrics: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, folder: Path) -> StageResults:
        """Read a run folder; files that are not there are left out.

        Raises:
            LgsidError: if a file is there and is broken.
        """
        metrics = read_optional(folder / METRICS_FILE)
        numbers = {str(key): float(value) for key, value in metrics.items() if is_finite_number(value)}
        config: Mapping[str, Any] = {}
        if (folder / FIT_CONFIG_FILE).is_file():
            check_recorded(folder / FIT_CONFIG_FILE)
            config = read_yaml(folder / FIT_CONFIG_FILE)
        return cls(name, folder, numbers, read_optional(folder / PROVENANCE_FILE), config)

    def has(self, *files: str) -> bool:
        """Tell whether all of these files are there."""
        return all((self.folder / file).is_file() for file in files)

    def setting(self, *path: str) -> Any:
        """Return a value inside the training config, `None` where it is not."""
        value: Any = self.config
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    @property
    def model_class(self) -> str:
        """Name of the class that was trained, empty if not known."""
        return str(self.setting("model", "class_path") or "").rpartition(".")[2]

    @property
    def seconds(self) -> float | None:
        """Wall-clock seconds of the stage, if recorded."""
        value = self.provenance.get("seconds")
        return float(value) if is_finite_number(value) else None

    @property
    def peak_memory_mb(self) -> float | None:
        """Largest resident memory of the stage in MB, if recorded."""
        value = self.provenance.get("peak_memory_mb")
        return float(value) if is_finite_number(value) else None


@dataclass(frozen=True)
class TokenizerResults:
    """A set of semantic IDs and its quality card.

    Args:
        stage: Name of the stage that made it.
        tokenizer: Name of the tokenizer's class, empty if not known.
        is_control: Whether the codes are a control without meaning: random codes, or item IDs.
        sids: The semantic IDs.
        card: What `quality_card` returned.
    """

    stage: str
    tokenizer: str
    is_control: bool
    sids: SemanticIDs
    card: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Title in figures."""
        return f"{self.tokenizer} ({self.stage})" if self.tokenizer else self.stage


@dataclass(frozen=True)
class PipelineResults:
    """The results of all stages of a pipeline. Any kind of result may be absent.

    Args:
        stages: In the order of the pipeline.
    """

    stages: tuple[StageResults, ...]

    @classmethod
    def read(cls, folders: Mapping[str, Path]) -> PipelineResults:
        """Read the run folders of stages; those that do not exist are left out.

        Raises:
            LgsidError: if a file is broken.
        """
        return cls(tuple(StageResults.read(name, Path(f)) for name, f in folders.items() if Path(f).is_dir()))

    @cached_property
    def dataset(self) -> Dataset | None:
        """The first prepared dataset."""
        found = next((stage for stage in self.stages if stage.has(*DATASET_FILES)), None)
        return None if found is None else Dataset.read(found.folder)

    @property
    def items(self) -> Items | None:
        """The places of the dataset."""
        return None if self.dataset is None else self.dataset.items

    @property
    def regions(self) -> dict[int, str]:
        """What the region levels are called: level from 1, coarse to fine -> name."""
        return {} if self.dataset is None else dict(enumerate(self.dataset.region_names, start=1))

    @cached_property
    def tokenizers(self) -> tuple[TokenizerResults, ...]:
        """The sets of semantic IDs that fit the dataset, controls last."""
        found = [self._tokenizer(stage) for stage in self.stages if stage.has(SIDS_FILE)]
        return tuple(sorted(found, key=lambda result: result.is_control))

    def _tokenizer(self, stage: StageResults) -> TokenizerResults:
        sids = SemanticIDs.read(stage.folder / SIDS_FILE)
        kind = str(sids.metadata.get("tokenizer") or stage.model_class).rpartition(".")[2]
        card = read_optional(stage.folder / CARD_FILE)
        if not card and self.items is not None:
            card = quality_card(sids, self.items)
        return TokenizerResults(stage.name, kind, kind in CONTROL_TOKENIZERS, sids, card)

    @property
    def alignment(self) -> StageResults | None:
        """The first stage that compared vectors before and after."""
        found = (s for s in self.stages if any(f"after/{k[7:]}" in s.metrics for k in s.metrics if k[:7] == "before/"))
        return next(found, None)

    @property
    def rewards(self) -> list[StageResults]:
        """The stages that trained a reward."""
        return [stage for stage in self.stages if any(key.startswith(HELDOUT) for key in stage.metrics)]

    def embeddings(self) -> tuple[Embeddings, Embeddings] | None:
        """Return the vectors before and after the alignment."""
        stage = next((stage for stage in self.stages if stage.has(*EMBEDDING_FILES)), None)
        if stage is None:
            return None
        before, after = (Embeddings.read(stage.folder / file) for file in EMBEDDING_FILES)
        return before, after

    @cached_property
    def recommenders(self) -> list[ModelScores]:
        """All models that ranked places, the best by the primary metric first, those without it last."""
        keys = [f"test/{metric.key}" for metric in ranking_declarations.compared_rank_metrics()]
        found = [model for model in self._models() if any(key in model.metrics for key in keys)]
        return ranked(found, ranking_declarations.PRIMARY)

    @cached_property
    def click_models(self) -> list[ModelScores]:
        """All models that scored candidates of the click-through task, the best by the primary metric first."""
        found = [model for model in self._models() if f"test/{click_declarations.PRIMARY}" in model.metrics]
        return ranked(found, click_declarations.PRIMARY)

    def _models(self) -> list[ModelScores]:
        models: list[ModelScores] = []
        controls = {result.stage for result in self.tokenizers if result.is_control}
        for stage in self.stages:
            own = {key: value for key, value in stage.metrics.items() if key.startswith("test/")}
            if own:
                sids = self._sids_of(stage)
                kind = "control" if sids in controls else "learnt"
                models.append(ModelScores(stage.name, kind, own, stage.model_class, sids))
            models += counted_models(stage.metrics)
        return models

    def _sids_of(self, stage: StageResults) -> str:
        """Return the stage whose semantic IDs a model was trained with, or the file's name, or nothing."""
        path = stage.setting("data", "init_args", "sids")
        if not path:
            return ""
        parent = Path(str(path)).parent.name
        return parent if parent in {other.name for other in self.stages} else Path(str(path)).name


def counted_models(metrics: Mapping[str, float]) -> list[ModelScores]:
    """Return the counting baselines of a mapping `<name>/test/<metric>` -> value."""
    counted: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        name, slash, metric = key.partition("/")
        if slash and name != "test" and metric.startswith("test/"):
            counted.setdefault(name, {})[metric] = value
    return [ModelScores(name, "counting", measured, name) for name, measured in counted.items()]


def ranked(models: Iterable[ModelScores], primary: str) -> list[ModelScores]:
    """Sort models by a test metric, the best first, those without it last."""
    return sorted(models, key=lambda model: (-model.metrics.get(f"test/{primary}", -math.inf), model.name))


def read_optional(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file, empty if there is no such file."""
    return dict(read_json(path)) if path.is_file() else {}
