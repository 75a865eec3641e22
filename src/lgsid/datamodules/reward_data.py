"""Lists of candidates for the training and the test of the reward."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from lgsid.artefacts import Dataset
from lgsid.artefacts.held_out import held_out
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.datamodules.served_batches import ServedBatches, check_share
from lgsid.errors import LgsidError
from lgsid.module import LgsidDataModule
from lgsid.processes import own_rows
from lgsid.rewards import CrossedLists, DistanceLists, ListPlaces, ListSampler, ListSource, NextVisitLists, PromptBook
from lgsid.text import PROMPT_VARIANTS, PromptTemplate
from lgsid.typing import DataShape, RewardBatch

logger = logging.getLogger(__name__)
TRAINING, HELD_OUT, EPOCH, READS = range(4)  # streams of random numbers
DEFAULT_RATIOS = [1.0, 0.5, 0.5]


class RewardData(LgsidDataModule):
    """Serve lists of an anchor and K candidates, from several sources, mixed by ratio.

    A share of the places is held out: no training list holds them, and the held-out lists hold no others. Which places
    is told by their ids, see `lgsid.artefacts.held_out`. A source that finds no lists in these data (no check-ins) is
    left out with a warning.

    Validation and prediction serve one list of every held-out anchor, one loader per source; a source with ratio 0 is
    only measured. A test also serves the lists of full prompts with parts of the prompts taken away
    (`lgsid.text.prompt_variants`). `list_names` says what each loader serves. After `setup`: `dataset`, `book` (all
    prompts; `RewardBatch.prompt` counts its texts), `heldout` and `training` (item rows), `heldout_lists` (by kind).
    Every process is served whole training batches, and its share of the held-out lists.

    Source: reward model of LGSID (arXiv 2511.14221); see `docs/method.md`.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        prompts: Template of the prompts; the default template if not given.
        list_sources: Sources of lists, of different kinds; if not given, `DistanceLists`, `CrossedLists` and
            `NextVisitLists`.
        ratios: Sampling weight of each source; if not given, equal weights, or 1, 0.5 and 0.5 of the default sources.
        n_candidates: Number of candidates per list, K.
        held_out_share: Expected share of the places that is held out.
        held_out_seed: Random seed for the places held out.
        batch_size: Number of lists per batch.
        seed: Random seed for the lists.

    Raises:
        LgsidError: if an argument is out of range.
    """

    serves = RewardBatch
    shares_queries = True

    def __init__(
        self,
        dataset: str | Path | Dataset,
        prompts: PromptTemplate | None = None,
        list_sources: list[ListSource] | None = None,
        ratios: list[float] | None = None,
        n_candidates: int = 15,
        held_out_share: float = 0.2,
        held_out_seed: int = 0,
        batch_size: int = 128,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.source = dataset
        self.prompts = prompts or PromptTemplate()
        default = [DistanceLists(), CrossedLists(), NextVisitLists()]
        self.list_sources = default if list_sources is None else list_sources
        equal = [1.0] * len(self.list_sources)
        self.ratios = ratios if ratios is not None else DEFAULT_RATIOS if list_sources is None else equal
        self.n_candidates = n_candidates
        self.held_out_share, self.held_out_seed = held_out_share, held_out_seed
        self.batch_size = batch_size
        self.seed = seed
        self._check()

    def setup(self, stage: str | None = None) -> None:
        """Read the dataset, hold places out, index the sources and draw the held-out lists, once.

        Raises:
            LgsidError: if a file is missing or broken, there are too few places to hold some out, or no source finds
                any lists to train on.
        """
        if hasattr(self, "dataset"):
            return
        self.dataset = Dataset.of(self.source)
        self.is_held_out = held_out(self.dataset.items.ids, self.held_out_share, self.held_out_seed)
        self.heldout, self.training = np.flatnonzero(self.is_held_out), np.flatnonzero(~self.is_held_out)
        if min(len(self.heldout), len(self.training)) < 3:
            raise LgsidError(
                f"{self.source}: {len(self.dataset.items)} places are too few to hold {len(self.heldout)} out; "
                "three are the least"
            )
        self.book = PromptBook(self.prompts, self.dataset.items)
        self.samplers = self._training_samplers()
        self.heldout_lists = self._heldout_lists()
        self.book.end_part()
        self.list_names = [f"heldout/{kind}" for kind in self.heldout_lists]
        logger.info(
            "lists of %d training and %d held-out places, %d prompts",
            len(self.training),
            len(self.heldout),
            len(self.book.texts),
        )

    @property
    def shape(self) -> DataShape:
        """Sizes of the data."""
        return Vocabularies.of(self.dataset.items).shape(len(self.dataset.items))

    def train_dataloader(self) -> DataLoader[RewardBatch]:
        """Serve training lists, as many as training places, sampled anew every epoch."""
        lists = TrainingLists(self.samplers, len(self.training), self.batch_size, self.seed)
        return DataLoader(lists, batch_size=None)

    def val_dataloader(self) -> list[DataLoader[RewardBatch]]:
        """Serve the held-out lists of each source."""
        return [self._loader(lists) for lists in self.heldout_lists.values()]

    def predict_dataloader(self) -> list[DataLoader[RewardBatch]]:
        """Serve the held-out lists of each source."""
        return self.val_dataloader()

    def test_dataloader(self) -> list[DataLoader[RewardBatch]]:
        """Serve the held-out lists of each source, then those of full prompts under each variant of the prompts."""
        full = [source.kind for source in self.list_sources if source.has_full_prompts]
        loaders = self.val_dataloader()
        del self.list_names[len(loaders) :]
        for number, variant in enumerate(PROMPT_VARIANTS):
            rng = np.random.default_rng([self.seed, READS, number])
            texts = variant.prompts(self.prompts, self.dataset.items, rng)
            prompt = np.full(len(texts), -1, dtype=np.int64)
            prompt[self.heldout] = self.book.add(texts[row] for row in self.heldout.tolist())
            for kind in (kind for kind in full if kind in self.heldout_lists):
                lists = self.heldout_lists[kind]
                loaders.append(self._loader(replace(lists, prompt=torch.from_numpy(prompt)[lists.candidate])))
                self.list_names.append(f"reads/{variant.key}/{kind}")
        return loaders

    def _training_samplers(self) -> list[tuple[ListSampler, float]]:
        places = ListPlaces(self.dataset, self.training, self.book, self.n_candidates)
        useful = []
        for number, (source, ratio) in enumerate(zip(self.list_sources, self.ratios, strict=True)):
            if ratio == 0:
                continue
            sampler = source.sampler(places, np.random.default_rng([self.seed, TRAINING, number]))
            if len(sampler.anchors):
                useful.append((sampler, ratio))
            else:
                logger.warning("%s: no lists on these data, left out", type(source).__name__)
        if not useful:
            raise LgsidError(f"{self.source}: none of the list sources finds lists; add `DistanceLists`")
        return useful

    def _heldout_lists(self) -> dict[str, RewardBatch]:
        places = ListPlaces(self.dataset, self.heldout, self.book, self.n_candidates)
        found = {}
        for number, source in enumerate(self.list_sources):
            rng = np.random.default_rng([self.seed, HELD_OUT, number])
            sampler = source.sampler(places, rng)
            if len(sampler.anchors):
                found[source.kind] = sampler.draw(sampler.anchors, rng)
        return found

    def _loader(self, lists: RewardBatch) -> DataLoader[RewardBatch]:
        check_share(len(lists), "held-out lists of one kind")
        parts = [rows.tolist() for rows in torch.split(own_rows(len(lists)), self.batch_size)]
        return ServedBatches(parts, lambda rows: lists.take(torch.tensor(rows))).loader()

    def _check(self) -> None:
        kinds = [source.kind for source in self.list_sources]
        if not kinds or len(self.ratios) != len(kinds):
            raise LgsidError(
                f"RewardData: {len(kinds)} list sources but {len(self.ratios)} ratios; give one ratio each"
            )
        if len(set(kinds)) < len(kinds):
            raise LgsidError(f"RewardData: two list sources of one kind among {', '.join(kinds)}; give each kind once")
        if min(self.ratios) < 0 or sum(self.ratios) <= 0:
            raise LgsidError(f"RewardData: ratios must not be negative, nor all zero, not {self.ratios}")
        if not 0 < self.held_out_share < 1:
            raise LgsidError(f"RewardData: held_out_share must lie between 0 and 1, not {self.held_out_share}")
        for name, value, least in (("batch_size", self.batch_size, 1), ("n_candidates", self.n_candidates, 2)):
            if value < least:
                raise LgsidError(f"RewardData: {name} must be at least {least}, not {value}")


class TrainingLists(IterableDataset[RewardBatch]):
    """Lists from several samplers, mixed within each batch, their anchors drawn with replacement.

    Args:
        samplers: Samplers of lists with their sampling weights.
        n_lists: Number of lists per epoch; the last batch may be smaller.
        batch_size: Number of lists per batch.
        seed: Random seed; every epoch draws other lists.
    """

    def __init__(self, samplers: list[tuple[ListSampler, float]], n_lists: int, batch_size: int, seed: int) -> None:
        self.samplers = [sampler for sampler, _ in samplers]
        self.shares = np.array([ratio for _, ratio in samplers]) / sum(ratio for _, ratio in samplers)
        self.n_lists, self.batch_size, self.seed, self.epoch = n_lists, batch_size, seed, 0

    def __len__(self) -> int:
        return -(-self.n_lists // self.batch_size)

    def __iter__(self) -> Iterator[RewardBatch]:
        rng = np.random.default_rng([self.seed, EPOCH, self.epoch])
        self.epoch += 1
        for start in range(0, self.n_lists, self.batch_size):
            counts = rng.multinomial(min(self.batch_size, self.n_lists - start), self.shares)
            yield RewardBatch.joined(
                [s.draw(rng.choice(s.anchors, size=n), rng) for s, n in zip(self.samplers, counts, strict=True) if n]
            )
