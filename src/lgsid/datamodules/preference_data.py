"""Preference pairs for the alignment of a text encoder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from lgsid.alignment import NearOtherCategoryPairs, PairSampler, SameCategoryFarPairs
from lgsid.artefacts import Dataset
from lgsid.artefacts.held_out import held_out
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.datamodules.served_batches import ServedBatches
from lgsid.errors import LgsidError
from lgsid.module import LgsidDataModule
from lgsid.text import PromptTemplate
from lgsid.typing import DataShape, ItemBatch, PreferenceBatch

logger = logging.getLogger(__name__)
GOLDEN_RATIO = (5**0.5 - 1) / 2


class PreferenceData(LgsidDataModule):
    """Serve preference pairs from several samplers, mixed by ratio, for the alignment of a text encoder.

    Every batch holds the samplers' pairs in the given ratio, as far as whole pairs allow. A sampler that finds no pairs
    in these data (no categories, no co-occurrence) is left out with a warning, and the others make up for it.
    Validation, test and prediction serve one batch: the rows of all places. After `setup`: `dataset`, `texts` (N
    prompts), `places` (all of them as one `ItemBatch`, without embeddings), `is_held_out` (N,). Every process is served
    whole batches, since losses compare the places of one; an aligner shares the encoding.

    Places can be held out of the alignment, to judge it by places that it has not seen: the samplers are fitted on a
    dataset without them and their check-ins, so that none takes part in a pair, as anchor, chosen or rejected. Which
    ones is told by their ids, see `lgsid.artefacts.held_out`.

    Source: domain-mixed preference pairs of LGSID (arXiv 2511.14221); see `docs/method.md`.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        prompts: Template of the prompts; the default template if not given.
        samplers: Samplers of preference pairs; if not given, far pairs of the same category and near pairs of
            different categories.
        ratios: Sampling weight of each sampler; equal weights if not given.
        n_pairs: Number of pairs per epoch.
        n_rejected: Number of rejected places per pair.
        batch_size: Number of pairs per batch.
        seed: Random seed for pair sampling.
        held_out_share: Expected share of the places that take no part in any pair.
        held_out_seed: Random seed for the places held out.
    """

    serves = PreferenceBatch

    def __init__(
        self,
        dataset: str | Path | Dataset,
        prompts: PromptTemplate | None = None,
        samplers: list[PairSampler] | None = None,
        ratios: list[float] | None = None,
        n_pairs: int = 2048,
        n_rejected: int = 1,
        batch_size: int = 32,
        seed: int = 0,
        held_out_share: float = 0.0,
        held_out_seed: int = 0,
    ) -> None:
        super().__init__()
        self.source = dataset
        self.prompts = prompts or PromptTemplate()
        self.samplers = [SameCategoryFarPairs(), NearOtherCategoryPairs()] if samplers is None else samplers
        self.ratios = [1.0] * len(self.samplers) if ratios is None else ratios
        self.n_pairs = n_pairs
        self.n_rejected = n_rejected
        self.batch_size = batch_size
        self.seed = seed
        self.held_out_share = held_out_share
        self.held_out_seed = held_out_seed
        _check(self.samplers, self.ratios, n_pairs, n_rejected, batch_size)

    def setup(self, stage: str | None = None) -> None:
        """Read the dataset and write the prompts, once; index the samplers for training.

        Raises:
            LgsidError: if a file is missing or broken, or no sampler finds any pairs.
        """
        if not hasattr(self, "dataset"):
            self.dataset = Dataset.of(self.source)
            items = self.dataset.items
            self.is_held_out = held_out(items.ids, self.held_out_share, self.held_out_seed)
            self.texts = self.prompts.prompts(items)
            vocabularies = Vocabularies.of(items)
            self.places: ItemBatch = vocabularies.batch(items)
            self._shape = replace(vocabularies.shape(len(items)), n_users=len(self.dataset.user_ids))
        if stage in (None, "fit") and not hasattr(self, "pairs"):
            rows = np.flatnonzero(~self.is_held_out)
            known = self.dataset if len(rows) == len(self.texts) else self.dataset.take(rows)
            samplers = self._useful(known)
            self.pairs = MixedPairs(samplers, rows, self.n_pairs, self.n_rejected, self.batch_size, self.seed)

    @property
    def shape(self) -> DataShape:
        """Sizes of the data."""
        return self._shape

    def train_dataloader(self) -> DataLoader[PreferenceBatch]:
        """Serve batches of pairs, new ones every epoch."""
        return DataLoader(self.pairs, batch_size=None)

    def val_dataloader(self) -> DataLoader[Tensor]:
        """Serve the rows of all places as one batch (N,)."""
        return ServedBatches([[0]], lambda _: torch.arange(len(self.texts))).loader()

    def test_dataloader(self) -> DataLoader[Tensor]:
        """Serve the rows of all places as one batch (N,)."""
        return self.val_dataloader()

    def predict_dataloader(self) -> DataLoader[Tensor]:
        """Serve the rows of all places as one batch (N,)."""
        return self.val_dataloader()

    def _useful(self, dataset: Dataset) -> list[tuple[PairSampler, float]]:
        useful = []
        for sampler, ratio in zip(self.samplers, self.ratios, strict=True):
            if ratio == 0:
                continue
            sampler.fit(dataset)
            if sampler.n_anchors:
                useful.append((sampler, ratio))
            else:
                logger.warning("%s: no pairs on these data, left out", type(sampler).__name__)
        if not useful:
            raise LgsidError(f"{self.source}: none of the samplers finds preference pairs; add `FarPairs`")
        return useful


class MixedPairs(IterableDataset[PreferenceBatch]):
    """Batches of preference pairs from several samplers.

    `PreferenceBatch.positive` says which places chosen in a batch no anchor of it may reject: those that a sampler
    would choose for it, and the anchor itself.

    Args:
        samplers: Samplers fitted on one dataset, with their sampling weights.
        rows: Row, in the items table, of each place of that dataset, shape (M,).
        n_pairs: Number of pairs per epoch; the last batch may be smaller.
        n_rejected: Number of rejected places per pair.
        batch_size: Number of pairs per batch.
        seed: Random seed for pair sampling; every epoch draws other pairs.
    """

    def __init__(
        self,
        samplers: list[tuple[PairSampler, float]],
        rows: npt.NDArray[np.int64],
        n_pairs: int,
        n_rejected: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self.samplers = [sampler for sampler, _ in samplers]
        self.shares = np.array([ratio for _, ratio in samplers]) / sum(ratio for _, ratio in samplers)
        self.rows = torch.from_numpy(rows)
        self.n_pairs = n_pairs
        self.n_rejected = n_rejected
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-self.n_pairs // self.batch_size)

    def __iter__(self) -> Iterator[PreferenceBatch]:
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        for start in range(0, self.n_pairs, self.batch_size):
            end = min(start + self.batch_size, self.n_pairs)
            counts = pairs_per_sampler(self.shares, start, end)
            parts = [s.draw(int(n), self.n_rejected, rng) for s, n in zip(self.samplers, counts, strict=True) if n]
            anchor, chosen, rejected = (
                torch.cat(same)
                for same in zip(*((part.anchor, part.chosen, part.rejected) for part in parts), strict=True)
            )
            yield PreferenceBatch(
                self.rows[anchor],
                self.rows[chosen],
                self.rows[rejected],
                self._positive(anchor.numpy(), chosen.numpy()),
            )

    def _positive(self, anchor: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]) -> Tensor:
        anchors, places = anchor[:, None], chosen[None, :]
        same = (places == chosen[:, None]) | (places == anchors)
        return torch.from_numpy(np.logical_or.reduce([same, *(s.is_positive(anchors, places) for s in self.samplers)]))


def pairs_per_sampler(shares: npt.NDArray[np.float64], start: int, end: int) -> npt.NDArray[np.int64]:
    """Return how many of the pairs start .. end - 1 each sampler draws: evenly spread, so that every batch is mixed.

    Args:
        shares: Share of each sampler, summing to 1, shape (S,).
        start: Position of the first pair in the epoch.
        end: Position after the last pair.

    Returns:
        Shape (S,), summing to `end - start`.
    """
    spread = np.arange(start, end) * GOLDEN_RATIO % 1.0  # fills 0..1 evenly, whatever the shares
    sampler = np.searchsorted(np.cumsum(shares)[:-1], spread, side="right")
    return np.bincount(sampler, minlength=len(shares))


def _check(samplers: list[PairSampler], ratios: list[float], n_pairs: int, n_rejected: int, batch_size: int) -> None:
    if not samplers or len(ratios) != len(samplers):
        raise LgsidError(f"PreferenceData: {len(samplers)} samplers but {len(ratios)} ratios; give one ratio each")
    if min(ratios) < 0 or sum(ratios) <= 0:
        raise LgsidError(f"PreferenceData: ratios must be positive, not {ratios}")
    for name, value in (("n_pairs", n_pairs), ("n_rejected", n_rejected), ("batch_size", batch_size)):
        if value < 1:
            raise LgsidError(f"PreferenceData: {name} must be at least 1, not {value}")
