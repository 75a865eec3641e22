"""Recommenders that are made of fitted ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from lgsid import checkpoints
from lgsid.artefacts.dataset import Dataset
from lgsid.construction import rebuild
from lgsid.errors import LgsidError
from lgsid.module import CONSTRUCTION
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.recommender import Recommender
from lgsid.typing import DataShape

PARTS = "parts"  # key of a checkpoint

Part = TypeVar("Part", bound=Recommender)


class ComposedRecommender(Recommender):
    """A recommender over fitted ones; its checkpoint holds them whole, so that their files are not needed again.

    A subclass gives `parts`; the catalogue of the first is its own. Parts that are not fitted are built for the data.
    """

    @property
    @abstractmethod
    def parts(self) -> Mapping[str, Recommender]:
        """The parts by the name of their attribute, the one that tells the catalogue first."""

    @property
    def catalogue(self) -> Catalogue:  # type: ignore[override]
        """The items, as the first part knows them."""
        return next(iter(self.parts.values())).catalogue

    def constructor_arguments(self) -> dict[str, Any]:
        """Return the arguments with parts in place of their files, so that a checkpoint describes them."""
        return {**super().constructor_arguments(), **self.parts}

    def build(self, shape: DataShape) -> None:
        """Build the parts that are not built yet.

        Raises:
            LgsidError: if one is for other sizes.
        """
        for name, part in self.parts.items():
            part.ensure_built(shape)
            built = part.data_shape
            assert built is not None
            if built.n_items != shape.n_items:
                raise LgsidError(f"{name}: it was trained on {built.n_items} items; the data have {shape.n_items}")

    def take_catalogue(self, source: CheckInSource) -> None:
        """Let parts that were not fitted take their catalogue; compare the data of the others.

        Raises:
            LgsidError: if a part was trained on other data.
        """
        for name, part in self.parts.items():
            if part.trained_on is None:
                part.take_catalogue(source)
            self.check_part(name, part, source.dataset)
        self.trained_on = next(iter(self.parts.values())).trained_on

    def check_part(self, name: str, part: Recommender, dataset: Dataset) -> None:
        """Refuse a part that was trained on other data.

        Raises:
            LgsidError: naming it.
        """
        assert part.trained_on is not None
        try:
            part.trained_on.check(dataset)
        except LgsidError as error:
            raise LgsidError(f"{name}: {error}") from error

    def forget_check_ins(self) -> None:
        """Let the parts forget."""
        for part in self.parts.values():
            part.forget_check_ins()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the parts keep beside weights."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[PARTS] = {}
        for name, part in self.parts.items():
            kept: dict[str, Any] = {}
            part.on_save_checkpoint(kept)
            del kept[CONSTRUCTION]  # in that of the whole
            checkpoint[PARTS][name] = kept

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the parts for the sizes that each was trained on.

        Raises:
            LgsidError: if it holds other parts.
        """
        kept, weights = checkpoint.get(PARTS), checkpoint.get("state_dict", {})
        if not isinstance(kept, dict) or set(kept) != set(self.parts):
            raise LgsidError(f"checkpoint: it does not hold {', '.join(self.parts)} of a {type(self).__name__}")
        for name, part in self.parts.items():
            own = {key[len(name) + 1 :]: value for key, value in weights.items() if key.startswith(f"{name}.")}
            part.on_load_checkpoint({**kept[name], "state_dict": own})
        super().on_load_checkpoint(checkpoint)


def copy_of(model: Part) -> Part:
    """Return a model like `model`, with the same weights and catalogue if it is built, without its trainer."""
    saved: dict[str, Any] = {"state_dict": model.state_dict()}
    model.on_save_checkpoint(saved)
    with torch.random.fork_rng(devices=[]):
        made: Part = rebuild(saved[CONSTRUCTION])
        if model.data_shape is not None:
            made.on_load_checkpoint(saved)
            made.load_state_dict(saved["state_dict"])
    return made.eval()


def fitted(model: Part | str | Path, kind: type[Part]) -> Part:
    """Return a model, or that of a checkpoint.

    Raises:
        LgsidError: if the file is not the checkpoint of such a model.
    """
    return model if isinstance(model, kind) else checkpoints.load(str(model), kind)
