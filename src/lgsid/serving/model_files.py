"""Which files a served model is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from lgsid.artefacts.names import CHECKPOINT_FILE, EMBEDDINGS_FILE, FIT_CONFIG_FILE, REFERENCE_EMBEDDINGS_FILE, RUN_FILE
from lgsid.config.config_files import read_yaml
from lgsid.errors import LgsidError
from lgsid.plugins import load_kind
from lgsid.typing import CTRBatch


@dataclass(frozen=True)
class ModelFiles:
    """A recommender and what belongs to it, as paths.

    Args:
        checkpoint: model.ckpt of a recommender, or its run folder.
        dataset: Folder of the dataset that it was trained on.
        rank_with: model.ckpt of a click model that orders what the recommender proposes, or its run folder.
        sids: Semantic IDs of the places, whose metadata name their generation; a file, or a root of generations, of
            which the current one counts and whose retired places are closed.
        embeddings: Vectors of the places.
        tokenizer: model.ckpt of the tokenizer that made the semantic IDs.
        encoder: model.ckpt of the aligner that made the vectors.
    """

    checkpoint: Path
    dataset: Path | None = None
    rank_with: Path | None = None
    sids: Path | None = None
    embeddings: Path | None = None
    tokenizer: Path | None = None
    encoder: Path | None = None

    @classmethod
    def of(cls, checkpoint: str | Path, **given: str | Path | None) -> ModelFiles:
        """Return the files of a model: those that are given, and the others from what its training says.

        The training of a model keeps in `fit_config.yaml` which dataset and which semantic IDs it read, the training of
        the tokenizer which vectors. A pipeline's run folder may have moved meanwhile: a stage in it is found there.

        Args:
            checkpoint: model.ckpt of a recommender, or its run folder.
            **given: The other fields.

        Raises:
            LgsidError: if a given file is missing, or there is no telling which dataset it is.
        """
        path = Path(checkpoint)
        path = path / CHECKPOINT_FILE if path.is_dir() else path
        files = cls(path, **{name: Path(value) for name, value in given.items() if value is not None})
        for field in fields(files):
            named = getattr(files, field.name)
            if named is not None and not named.exists():
                raise LgsidError(f"{field.name} {named}: no such file")
        trained = trained_on(path)
        files = files.completed(dataset=trained.get("dataset"), sids=trained.get("sids"))
        made = trained.get("sids") if files.sids is not None and files.sids.is_dir() else files.sids
        if made is not None:
            beside = trained_on(made)
            tokenizer = made.parent / CHECKPOINT_FILE
            files = files.completed(tokenizer=tokenizer, embeddings=beside.get("embeddings"))
        if files.embeddings is not None and files.embeddings.name in (EMBEDDINGS_FILE, REFERENCE_EMBEDDINGS_FILE):
            files = files.completed(encoder=files.embeddings.parent / CHECKPOINT_FILE)
        if files.dataset is None:
            raise LgsidError(f"{path}: which dataset? Nothing beside the checkpoint says it; give --dataset FOLDER")
        return files

    @classmethod
    def of_run(cls, run: str | Path, **given: str | Path | None) -> dict[str, ModelFiles]:
        """Return the recommenders of a pipeline's run folder by the names of their stages; no click models.

        Raises:
            LgsidError: if the folder has none.
        """
        found = {
            path.parent.name: cls.of(path.parent, **given)
            for path in sorted(Path(run).glob(f"*/{CHECKPOINT_FILE}"))
            if is_recommender(path.parent / FIT_CONFIG_FILE)
        }
        if not found:
            raise LgsidError(f"{run}: no recommender in it; give the folder of a pipeline's run, or a model.ckpt")
        return found

    def completed(self, **found: Path | None) -> ModelFiles:
        """Return the same with files that are not given and exist."""
        missing = {name: path for name, path in found.items() if getattr(self, name) is None}
        return replace(self, **{name: path for name, path in missing.items() if path is not None and path.exists()})

    def to_dict(self) -> dict[str, str]:
        """Return what is known as texts."""
        return {field.name: str(path) for field in fields(self) if (path := getattr(self, field.name)) is not None}


def fit_config(path: Path) -> Mapping[str, Any]:
    """Return the config of a training, empty where it is none."""
    return read_yaml(path) if path.is_file() else {}


def part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of a config that must be a mapping, empty where it is none."""
    value = config.get(name)
    return value if isinstance(value, Mapping) else {}


def is_recommender(config_file: Path) -> bool:
    """Return whether a training was that of a recommender which looks for places by itself, not of a click model."""
    config = fit_config(config_file)
    model, data = (str(part(config, name).get("class_path", "")).rpartition(".")[2] for name in ("model", "data"))
    serves = getattr(load_kind("data_modules").get(data), "serves", None)
    return model in load_kind("recommenders") and not (serves is not None and issubclass(serves, CTRBatch))


def trained_on(path: Path) -> dict[str, Path]:
    """Return which files the training beside a file read: dataset, sids, embeddings, as far as they exist.

    A path of a pipeline's run is looked for in that run first, then as it is written.
    """
    folder = path.parent
    arguments = part(part(fit_config(folder / FIT_CONFIG_FILE), "data"), "init_args")
    found = {}
    for name in ("dataset", "sids", "embeddings"):
        named = arguments.get(name)
        if not isinstance(named, str) or not named:
            continue
        last = Path(named).parts[-1:] if name == "dataset" else Path(named).parts[-2:]
        inside = folder.parent.joinpath(*last)
        choices = [inside, Path(named)] if (folder.parent / RUN_FILE).is_file() else [Path(named)]
        known = next((choice for choice in choices if choice.exists()), None)
        if known is not None:
            found[name] = known
    return found


def files_of(models: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, ModelFiles]:
    """Return the files of named models; those of a pipeline's run folder under the names of its stages.

    Args:
        models: Name -> model.ckpt or folder of a model, or folder of a pipeline's run under an empty name.
        given: Fields of `ModelFiles` that hold for all of them.

    Raises:
        LgsidError: if a file is missing, or two models have one name.
    """
    found: dict[str, ModelFiles] = {}
    for name, path in models.items():
        new = ModelFiles.of_run(path, **given) if not name else {name: ModelFiles.of(path, **given)}
        if twice := set(found) & set(new):
            raise LgsidError(f"model {min(twice)!r} is there twice; name the models by --model NAME=CHECKPOINT")
        found |= new
    return found
