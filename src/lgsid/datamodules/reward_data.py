"""Lists of candidate locations for the training and the test of the reward."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, IterableDataset

from lgsid.artefacts import Dataset
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.datamodules.training_list_weights import TrainingListWeights
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.geo.candidates import CandidateSampler
from lgsid.module import LgsidDataModule
from lgsid.text import PromptTemplate
from lgsid.typing import DataShape, RewardBatch

logger = logging.getLogger(__name__)
Rows = npt.NDArray[np.int64]
MISMATCHED, MOVED, FULL, CROSSED = range(4)  # as the fields of TrainingListWeights


class RewardData(LgsidDataModule):
    """Serve lists of candidate locations: an anchor's prompt at its own location, and K prompts of other locations.

    Candidates are density-aware hard negatives: their neighbor ranks are drawn, not their distances. Held-out lists
    are of two kinds: `mismatched`, the anchor's content at the locations of other places (prompt mismatching), and
    `full`, the full prompts of other places. Training draws from these and two further kinds, see
    `TrainingListWeights`. A share of the places is held out: no training list holds their prompts or locations, and
    the held-out lists hold no others.

    Validation serves two loaders, `heldout_kinds` in that order. After `setup`: `dataset`, `prompts` (the template),
    `texts` (all distinct prompts; `RewardBatch.prompt` counts them), `full_prompt` (N,), `heldout` and `training`
    (rows of places).

    Source: reward model of LGSID (arXiv 2511.14221); see `docs/method.md`.

    Args:
        dataset: Folder of a prepared dataset, or the dataset itself.
        prompts: Template of the prompts; the default template if not given.
        n_candidates: Number of other locations per list, K.
        n_neighbours: Largest neighbor rank of a hard negative.
        n_far: Number of the K candidates that are drawn from all places.
        n_contents: Number of training places whose content is written at other locations, for mismatched lists; the
            others appear in full and crossed lists. Each costs `n_locations` encodings.
        n_locations: Number of locations that each of these contents is written at, to draw its lists from.
        heldout_share: Share of the places that is held out.
        list_weights: Sampling weight of each kind of training list.
        batch_size: Number of lists per batch.
        seed: Random seed for the held-out places, the candidates and the lists.

    Raises:
        LgsidError: if an argument is out of range.
    """

    heldout_kinds = ("mismatched", "full")

    serves = RewardBatch

    def __init__(
        self,
        dataset: str | Path | Dataset,
        prompts: PromptTemplate | None = None,
        n_candidates: int = 15,
        n_neighbours: int = 300,
        n_far: int = 3,
        n_contents: int = 1500,
        n_locations: int = 15,
        heldout_share: float = 0.2,
        list_weights: TrainingListWeights = TrainingListWeights(),  # noqa: B008  frozen
        batch_size: int = 128,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.source = dataset
        self.prompts = prompts or PromptTemplate()
        self.n_candidates, self.n_neighbours, self.n_far = n_candidates, n_neighbours, n_far
        self.n_contents, self.n_locations = n_contents, n_locations
        self.heldout_share = heldout_share
        self.list_weights = list_weights
        self.batch_size = batch_size
        self.seed = seed
        if not 0 < heldout_share < 1:
            raise LgsidError(f"RewardData: heldout_share must lie between 0 and 1, not {heldout_share}")
        for name, value in (("n_contents", n_contents), ("batch_size", batch_size)):
            if value < 1:
                raise LgsidError(f"RewardData: {name} must be at least 1, not {value}")
        if n_candidates < 2 or n_locations < n_candidates or not 0 <= n_far <= n_candidates:
            raise LgsidError(
                f"RewardData: want 2 <= n_candidates <= n_locations and n_far <= n_candidates, "
                f"not n_candidates {n_candidates}, n_locations {n_locations}, n_far {n_far}"
            )

    def setup(self, stage: str | None = None) -> None:
        """Read the dataset, hold places out, sample the lists and write their prompts, once.

        Raises:
            LgsidError: if a file is missing or broken, or there are too few places to hold some out.
        """
        if hasattr(self, "dataset"):
            return
        self.dataset = Dataset.of(self.source)
        n_items = len(self.dataset.items)
        n_heldout = round(self.heldout_share * n_items)
        if min(n_heldout, n_items - n_heldout) < 3:
            raise LgsidError(
                f"{self.source}: {n_items} places are too few to hold {n_heldout} out; three are the least"
            )
        rng = np.random.default_rng([self.seed, 0])
        shuffled = rng.permutation(n_items)
        self.heldout, self.training = np.sort(shuffled[:n_heldout]), np.sort(shuffled[n_heldout:])
        self._write_prompts(rng)
        logger.info(
            "%d prompts of %d training and %d held-out places", len(self.texts), len(self.training), len(self.heldout)
        )

    @property
    def shape(self) -> DataShape:
        """Sizes of the data."""
        return Vocabularies.of(self.dataset.items).shape(len(self.dataset.items))

    def train_dataloader(self) -> DataLoader[RewardBatch]:
        """Serve training lists, as many as training places, sampled anew every epoch."""
        return DataLoader(TrainingLists(self), batch_size=None)

    def val_dataloader(self) -> list[DataLoader[RewardBatch]]:
        """Serve the held-out lists of each kind."""
        return [self._heldout_loader(kind) for kind in self.heldout_kinds]

    def predict_dataloader(self) -> list[DataLoader[RewardBatch]]:
        """Serve the held-out lists of each kind."""
        return self.val_dataloader()

    def test_dataloader(self) -> list[DataLoader[RewardBatch]]:
        """Serve the held-out lists of each kind."""
        return self.val_dataloader()

    def batch(self, place: Rows, prompt: Rows) -> RewardBatch:
        """Measure the distances of lists.

        Args:
            place: Rows of places, the anchor in column 0, shape (B, K+1).
            prompt: Rows of `texts`, shape (B, K+1).
        """
        items = self.dataset.items
        lat, lon = torch.from_numpy(items.lat_deg[place]), torch.from_numpy(items.lon_deg[place])
        return RewardBatch(
            anchor=torch.from_numpy(np.ascontiguousarray(place[:, 0])),
            candidate=torch.from_numpy(place),
            prompt=torch.from_numpy(prompt),
            distance_km=(haversine_m(lat[:, :1], lon[:, :1], lat, lon) / 1000.0).float(),
        )

    def sampler(self, places: Rows, n_candidates: int, n_far: int) -> CandidateSampler:
        """Return a sampler among `places`; it counts them from 0."""
        items = self.dataset.items
        return CandidateSampler(items.lat_deg[places], items.lon_deg[places], n_candidates, self.n_neighbours, n_far)

    def _write_prompts(self, rng: np.random.Generator) -> None:
        items = self.dataset.items
        self._contents, self._locations = self.prompts.contents(items), self.prompts.locations(items)
        self._rows: dict[str, int] = {}
        own = np.arange(len(items), dtype=np.int64)
        self.full_prompt = self._prompt_rows(own, own)
        everyone = np.arange(len(self.heldout), dtype=np.int64)
        sampler = self.sampler(self.heldout, self.n_candidates, self.n_far)
        self._heldout_candidates = self.heldout[sampler.draw(everyone, rng)]
        self._heldout_prompts = self._prompt_rows(self.heldout[:, None], self._heldout_candidates)
        wanted = self.n_contents if self.list_weights.needs_mismatches else 0
        self.mismatched = np.sort(rng.permutation(len(self.training))[:wanted])
        n_far = round(self.n_far * self.n_locations / self.n_candidates)
        sampler = self.sampler(self.training, self.n_locations, n_far)
        self.pool = self.training[sampler.draw(self.mismatched, rng)]  # (contents, P) rows of places
        self.pool_prompts = self._prompt_rows(self.training[self.mismatched, None], self.pool)
        self.texts = list(self._rows)

    def _prompt_rows(self, content: Rows, location: Rows) -> Rows:
        """Write prompts, shapes broadcast, and return their rows in `texts`."""
        content, location = np.broadcast_arrays(content, location)
        pairs = zip(content.reshape(-1).tolist(), location.reshape(-1).tolist(), strict=True)
        texts = (self.prompts.join(self._contents[i], self._locations[j]) for i, j in pairs)
        rows = [self._rows.setdefault(text, len(self._rows)) for text in texts]
        return np.array(rows, dtype=np.int64).reshape(content.shape)

    def _heldout_loader(self, kind: str) -> DataLoader[RewardBatch]:
        place = np.concatenate([self.heldout[:, None], self._heldout_candidates], axis=1)
        prompt = self.full_prompt[place]
        if kind == "mismatched":
            prompt[:, 1:] = self._heldout_prompts
        lists = self.batch(place, prompt)
        cut = [lists.take(rows) for rows in torch.split(torch.arange(len(lists)), self.batch_size)]
        return DataLoader(cut, batch_size=None)  # type: ignore[arg-type]


class TrainingLists(IterableDataset[RewardBatch]):
    """Lists of all kinds, one per training place and epoch, mixed within each batch.

    Args:
        data: The datamodule, set up.
    """

    def __init__(self, data: RewardData) -> None:
        self.data = data
        self.epoch = 0
        self.sampler = data.sampler(data.training, data.n_candidates, data.n_far)
        self.shares = np.array(data.list_weights.shares())
        location = np.concatenate([data.training, data.pool.reshape(-1)])
        prompt = np.concatenate([data.full_prompt[data.training], data.pool_prompts.reshape(-1)])
        order = np.argsort(location, kind="stable")
        self._prompts_by_location = prompt[order]
        self._start = np.searchsorted(location[order], np.arange(len(data.full_prompt) + 1))

    def __len__(self) -> int:
        return -(-len(self.data.training) // self.data.batch_size)

    def __iter__(self) -> Iterator[RewardBatch]:
        data = self.data
        rng = np.random.default_rng([data.seed, 1, self.epoch])
        self.epoch += 1
        order = rng.permutation(len(data.training))
        for start in range(0, len(order), data.batch_size):
            chosen = order[start : start + data.batch_size]
            kinds = np.searchsorted(np.cumsum(self.shares)[:-1], rng.random(len(chosen)), side="right")
            groups = [(kind, chosen[kinds == kind]) for kind in np.unique(kinds)]
            yield data.batch(*self._join([self.draw(int(kind), places, rng) for kind, places in groups]))

    def draw(self, kind: int, chosen: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Sample lists of one kind.

        Args:
            kind: Position in the fields of `TrainingListWeights`.
            chosen: Positions among the training places, shape (B,). For mismatched and moved lists, only their number
                counts: the anchors are sampled from the places that have such prompts.
            rng: Random number generator.

        Returns:
            Rows of places and of prompts, both of shape (B, K+1), the anchor first.
        """
        data = self.data
        if kind in (MISMATCHED, MOVED):
            row = rng.integers(len(data.mismatched), size=len(chosen))
            own = data.training[data.mismatched[row]]
            place = np.concatenate([own[:, None], data.pool[row]], axis=1)
            prompt = np.concatenate([data.full_prompt[own, None], data.pool_prompts[row]], axis=1)
            keys = rng.random(place.shape)
            if kind == MISMATCHED:
                keys[:, 0] = -1.0  # the content's own location stays the anchor
            keep = np.argsort(keys, axis=1)[:, : self.sampler.n_candidates + 1]
            return np.take_along_axis(place, keep, axis=1), np.take_along_axis(prompt, keep, axis=1)
        candidate = data.training[self.sampler.draw(chosen, rng)]
        place = np.concatenate([data.training[chosen, None], candidate], axis=1)
        return place, data.full_prompt[place] if kind == FULL else self._any_prompt_at(place, rng)

    def _any_prompt_at(self, location: Rows, rng: np.random.Generator) -> Rows:
        start, end = self._start[location], self._start[location + 1]
        return self._prompts_by_location[start + (rng.random(location.shape) * (end - start)).astype(np.int64)]

    @staticmethod
    def _join(parts: list[tuple[Rows, Rows]]) -> tuple[Rows, Rows]:
        return np.concatenate([place for place, _ in parts]), np.concatenate([prompt for _, prompt in parts])
