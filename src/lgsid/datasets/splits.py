"""Splits of a log into training, validation and test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from lgsid.artefacts.held_out import held_out
from lgsid.artefacts.interactions import SPLITS
from lgsid.construction import Describable
from lgsid.errors import LgsidError

NOWHERE = ""
"""What a split calls interactions that are in none: the dataset does without them."""


class Split(Describable, ABC):
    """Assign every interaction to "train", "val" or "test".

    `task` is the evaluation protocol (docs/evaluation.md): in "temporal", earlier check-ins of the test period are part
    of the history of a query; in "leave_one_out", every user has at most one query.
    """

    task: str = "temporal"
    parts: ClassVar[tuple[str, ...]] = SPLITS
    """Splits that must not be empty."""

    @abstractmethod
    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, `NOWHERE` where it is to be left out, shape (M,).

        Args:
            interactions: Sorted by time, equal times in the order of the source; columns `user_id`, `item_id`,
                `time`, and those the source added.

        Raises:
            LgsidError: if a column that the split needs is missing.
        """


class TemporalSplit(Split):
    """Split the log by time into train, validation and test.

    Args:
        train: Fraction of the interactions for training, the earliest ones.
        val: Fraction for validation, the next ones; the rest is for the test.
    """

    def __init__(self, train: float = 0.8, val: float = 0.1) -> None:
        if not (train > 0 and val >= 0 and train + val < 1):
            raise LgsidError(f"TemporalSplit: train {train:g} and val {val:g} must be shares with a sum below 1")
        self.train, self.val = train, val

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, shape (M,)."""
        n = len(interactions)
        first_val, first_test = round(n * self.train), round(n * (self.train + self.val))
        split = np.full(n, "test", dtype=object)
        split[:first_test] = "val"
        split[:first_val] = "train"
        return split


class LeaveOneOutSplit(Split):
    """Test on each user's last check-in, validate on the one before it, train on the rest.

    Of a user with two check-ins the first trains and the second tests; a single check-in trains.
    """

    task = "leave_one_out"

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, shape (M,)."""
        users = interactions.groupby("user_id", sort=False)["user_id"]
        from_end = users.cumcount(ascending=False).to_numpy()
        from_start = users.cumcount().to_numpy()
        split = np.full(len(interactions), "train", dtype=object)
        split[(from_end == 1) & (from_start >= 1)] = "val"
        split[(from_end == 0) & (from_start >= 1)] = "test"
        return split


class BlockSplit(Split):
    """Split by the time blocks that a published dataset defines, for comparison with published results.

    Args:
        train: Blocks for training.
        val: Blocks for validation.
        test: Blocks for the test.
        column: Column with the name of the block.
    """

    def __init__(
        self,
        train: Sequence[str] = ("T0", "T1", "T2", "T3"),
        val: Sequence[str] = ("T4",),
        test: Sequence[str] = ("T5",),
        column: str = "block",
    ) -> None:
        self.train, self.val, self.test, self.column = list(train), list(val), list(test), column

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, shape (M,)."""
        if self.column not in interactions.columns:
            raise LgsidError(f"BlockSplit: the source has no column {self.column!r}; use TemporalSplit")
        blocks = interactions[self.column].astype(object).to_numpy(dtype=object)
        wanted = {b: s for s, names in (("train", self.train), ("val", self.val), ("test", self.test)) for b in names}
        unknown = sorted({str(b) for b in blocks} - set(wanted))
        if unknown:
            raise LgsidError(f"BlockSplit: block {unknown[0]!r} is in none of train, val, test; list it in one of them")
        return np.array([wanted[b] for b in blocks], dtype=object)


class ColdStartSplit(Split):
    """Hide a share of the places until the test: they lose all training and validation check-ins.

    Nobody has been to a hidden place before the test, so that only what it is and where it is can tell that somebody
    will go there. Which places are hidden is told by their ids (`lgsid.artefacts.held_out`): data modules of alignment
    and tokenizer with the same `held_out_share` and `held_out_seed` are fitted without them, and applied to them.

    Args:
        split: Split of the check-ins before places are hidden.
        share: Expected share of the places that are hidden.
        seed: Random seed for the places hidden.
    """

    def __init__(self, split: Split, share: float = 0.2, seed: int = 0) -> None:
        if not 0 < share < 1:
            raise LgsidError(f"ColdStartSplit: share must be above 0 and below 1, not {share:g}")
        self.split, self.share, self.seed = split, share, seed
        self.task = split.task

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of the split of each interaction, `NOWHERE` before the test at hidden places, shape (M,)."""
        split = self.split.assign(interactions)
        hidden = held_out(interactions["item_id"].astype(str).to_numpy(dtype=object), self.share, self.seed)
        return np.where(hidden & (split != "test"), NOWHERE, split).astype(object)


class HeldOutSourceSplit(Split):
    """Test on sources that nothing is trained on: a held-out city.

    All check-ins of the named sources are the test, so that no place there has a check-in before it and no count over
    training knows of them. Of the others the training and validation check-ins of another split are kept, and its test
    is left out. A user's check-ins of a held-out source follow each other in the test, whatever the other split is.

    Args:
        split: Split of the check-ins of the other sources.
        test: Names of the held-out sources.
        column: Column of the check-ins that says where they come from; `JoinedSource` makes `source`, and a
            `TableSource` keeps any column that its `interaction_columns` name.
    """

    def __init__(self, split: Split, test: Sequence[str], column: str = "source") -> None:
        if isinstance(test, str) or not test:
            raise LgsidError(f"HeldOutSourceSplit: test must be a list of names of sources, not {test!r}")
        self.split, self.test, self.column = split, list(test), column

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return "test" in the held-out sources, elsewhere that of the other split or `NOWHERE`, shape (M,)."""
        if self.column not in interactions.columns:
            raise LgsidError(f"HeldOutSourceSplit: the source has no column {self.column!r}; use JoinedSource")
        source = interactions[self.column].astype(object).to_numpy(dtype=object)
        known = sorted({str(name) for name in source})
        for name in self.test:
            if name not in known:
                raise LgsidError(f"HeldOutSourceSplit: no check-in has the {self.column} {name!r}; {shown(known)}")
        held = np.isin(source.astype(str), self.test)
        if held.all():
            raise LgsidError(f"HeldOutSourceSplit: test holds every {self.column}; leave one to train on")
        inner = self.split.assign(interactions[~held].reset_index(drop=True))
        split = np.full(len(held), "test", dtype=object)
        split[~held] = np.where(inner == "test", NOWHERE, inner)
        return split


class PlacesOnly(Split):
    """No check-ins: places to tokenize, and to judge semantic IDs on; nothing that learns from visits can be trained.

    Check-ins that a source has are left out.
    """

    parts = ()

    def assign(self, interactions: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return `NOWHERE` for each interaction, shape (M,)."""
        return np.full(len(interactions), NOWHERE, dtype=object)


def shown(names: Sequence[str], most: int = 8) -> str:
    """Return the names that there are, for a message; not all of very many."""
    return f"there are {', '.join(names[:most])}{' and others' if len(names) > most else ''}"
