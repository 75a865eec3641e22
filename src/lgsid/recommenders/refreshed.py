"""A trained recommender for a catalogue and a log that have grown, without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lgsid.artefacts.dataset import Dataset
from lgsid.construction import describe, rebuild
from lgsid.errors import LgsidError
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.recommender import Recommender
from lgsid.recommenders.refreshable import Refreshable
from lgsid.typing import DataShape

IntArray = npt.NDArray[np.int64]


class SizedSource(CheckInSource, Protocol):
    """A `CheckInSource` that knows the sizes of its data: a datamodule after `setup`, for one."""

    @property
    def shape(self) -> DataShape:
        """Sizes of the data."""


@dataclass(frozen=True)
class Refreshed:
    """A recommender of the data as they are now, and what is new to it.

    Args:
        model: With the weights of the trained one, for the places, users and check-ins of the new data.
        n_places: Places of the new data.
        n_new: Of these, those that the training did not know.
        n_gone: Places of the training that the new data lack.
        n_new_users: Users that the training did not know.
        n_recoded: Places known to both that have another semantic ID now.
    """

    model: Recommender
    n_places: int
    n_new: int
    n_gone: int
    n_new_users: int
    n_recoded: int

    def __str__(self) -> str:
        told = [f"places: {self.n_places:,}, new: {self.n_new:,}", f"new users: {self.n_new_users:,}"]
        told += [f"places gone: {self.n_gone:,}"] if self.n_gone else []
        told += [f"another semantic ID than in the training: {self.n_recoded:,}"] if self.n_recoded else []
        return "; ".join(told)


def refreshed(model: Recommender, before: Dataset, now: SizedSource) -> Refreshed:
    """Return a trained recommender for data that have grown: what it counts is counted anew, its weights stay.

    So a place that opened after the training can be recommended from its first day, and check-ins since the training
    count. The user token of a user who was trained on stays that user's; somebody new is told as nobody known. The
    model that was given is left as it is.

    Args:
        model: A trained model that is `Refreshable`.
        before: The dataset that it was trained on, or refreshed for last.
        now: The data as they are now, set up, with the same kinds of input: semantic IDs that places of both datasets
            keep, as `lgsid sids append` leaves them, and vectors of the same encoder.

    Raises:
        LgsidError: if its weights belong to single places or users, `before` is not what it was trained on, or the
            semantic IDs or vectors are others.
    """
    if not isinstance(model, Refreshable):
        raise LgsidError(
            f"{model.title}: it cannot be refreshed, since what it learned belongs to single places, users or"
            " attributes, or it only counts; fit it on the new data"
        )
    if model.trained_on is None or model.data_shape is None:
        raise LgsidError(f"{model.title}: not trained yet; fit it or load a checkpoint")
    model.trained_on.check(before)
    for what, had, has in (
        ("codebooks of the semantic IDs", model.data_shape.codebook_sizes, now.shape.codebook_sizes),
        ("dimension of the vectors", model.data_shape.embedding_dim, now.shape.embedding_dim),
        ("region levels", len(model.data_shape.n_regions), len(now.shape.n_regions)),
    ):
        if had != has:
            raise LgsidError(f"{model.title}: {what}: {has or 'none'} now, {had or 'none'} in the training")
    known = now.dataset.items.rows(before.items.ids)  # row now of each place of before, -1 where gone
    n_recoded = recoded(model, now, known)
    made = with_weights_of(model, now)
    numbers = before.user_numbers(now.dataset.user_ids)
    cast(Refreshable, made).take_users(model.trained_as(torch.from_numpy(numbers)))
    n_known = int((known >= 0).sum())
    return Refreshed(
        model=made.eval(),
        n_places=len(now.dataset.items),
        n_new=len(now.dataset.items) - n_known,
        n_gone=len(known) - n_known,
        n_new_users=int((numbers < 0).sum()),
        n_recoded=n_recoded,
    )


def recoded(model: Recommender, now: CheckInSource, known: IntArray) -> int:
    """Return how many places of both datasets have another semantic ID now.

    Args:
        model: The trained model.
        now: The data as they are now.
        known: Shape (N,), row now of each place of the training, -1 where it is gone.

    Raises:
        LgsidError: if most of them do, so that codes mean something else.
    """
    both = np.flatnonzero(known >= 0)
    if not len(both):
        raise LgsidError(f"{model.title}: no place of the training is in the new data")
    if now.codes is None:
        return 0
    codes = model.catalogue.codes.cpu().numpy()[both]
    n_recoded = int((codes != now.codes[known[both]]).any(1).sum())
    if n_recoded > len(both) / 2:
        raise LgsidError(
            f"{model.title}: {n_recoded:,} of {len(both):,} places have another semantic ID than in the training, so"
            " codes mean something else, as after a refit; fit the model on the new ones"
        )
    return n_recoded


def with_weights_of(model: Recommender, now: SizedSource) -> Recommender:
    """Return a model built for the data as they are now and filled from them, with what the given one has learned.

    Raises:
        LgsidError: if something that was learned has another size there.
    """
    with torch.random.fork_rng(devices=[]):
        made: Recommender = rebuild(describe(model))
        made.ensure_built(now.shape)
        made.take_catalogue(now)
    of_data, own = counted_buffers(made), made.state_dict()
    learned = {name: value for name, value in model.state_dict().items() if name not in of_data}
    for name, value in learned.items():
        if name not in own or own[name].shape != value.shape:
            has = list(own[name].shape) if name in own else "missing"
            raise LgsidError(
                f"{model.title}: {name} was learned for data of another size (it is {list(value.shape)}; for the new"
                f" data it would be {has}); fit the model on them"
            )
    made.load_state_dict(learned, strict=False)
    return made


def counted_buffers(model: Recommender) -> set[str]:
    """Return the names of the buffers that are taken from the data, as a `state_dict` has them."""
    modules: set[nn.Module] = {inner for module in cast(Refreshable, model).counted() for inner in module.modules()}
    return {
        f"{prefix}.{name}" if prefix else name
        for prefix, module in model.named_modules()
        if module in modules
        for name, _ in module.named_buffers(recurse=False)
    }
