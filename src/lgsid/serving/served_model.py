"""A recommender loaded with everything that belongs to it, ready to answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lgsid import plugins
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.hashes import file_hash, text_hash
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.sids_file import GENERATION_KEY, is_generation, open_ids, sids_file
from lgsid.errors import LgsidError
from lgsid.functional.distances import haversine_m
from lgsid.recommenders.live import LiveRecommender
from lgsid.recommenders.place_filters import OpenPlaces, PlaceFilter
from lgsid.serving.model_files import ModelFiles
from lgsid.serving.new_places import NewPlaces

HASH_DIGITS = 12


class ServedModel:
    """A recommender over its dataset, with semantic IDs, vectors and a tokenizer as far as there are any.

    Args:
        live: The recommender.
        ranked: The same with a ranking model behind it; none where there is no ranking model.
        sids: Semantic IDs of the places.
        embeddings: Vectors of the places.
        new_places: What gives new places semantic IDs.
        hash_: Identity of the checkpoint.
        opened: Ids of the places that are open; all are if not given.

    Raises:
        LgsidError: if the semantic IDs or the vectors are not of the places, or other ones than the model's.
    """

    def __init__(
        self,
        live: LiveRecommender,
        ranked: LiveRecommender | None = None,
        sids: SemanticIDs | None = None,
        embeddings: Embeddings | None = None,
        new_places: NewPlaces | None = None,
        hash_: str = "",
        opened: Sequence[str] | None = None,
    ) -> None:
        self.live, self.ranked, self.new_places, self.hash = live, ranked, new_places, hash_
        items = live.dataset.items
        self.closed = np.zeros(len(items), dtype=bool)
        if opened is not None:
            self.closed = ~np.isin(items.ids.astype(str), np.array(opened, dtype=str))
        shape = live.model.data_shape
        learned = live.model.catalogue.codes.cpu().numpy() if shape is not None and shape.codebook_sizes else None
        given = None if sids is None else sids.for_items(items)
        if given is not None and learned is not None and not np.array_equal(given, learned):
            raise LgsidError("sids: the model was trained on other semantic IDs; give those of its training")
        codes = given if given is not None else learned
        self.codes: npt.NDArray[np.int64] = np.zeros((len(items), 0), dtype=np.int64) if codes is None else codes
        self.codebook_sizes = tuple(
            sids.codebook_sizes if sids is not None else shape.codebook_sizes if shape is not None else ()
        )
        self.generation = generation_of(self.codes, self.codebook_sizes, sids)
        self.vectors = None if embeddings is None else torch.from_numpy(embeddings.for_items(items).copy())

    @classmethod
    def load(cls, files: ModelFiles) -> ServedModel:
        """Load a model from its files.

        Raises:
            LgsidError: if a file is missing or damaged, or does not fit the others.
        """
        plugins.load()
        assert files.dataset is not None
        live = LiveRecommender(files.checkpoint, files.dataset)
        ranked = None if files.rank_with is None else LiveRecommender(live.model, live.dataset, files.rank_with)
        sids, opened = None, None
        if files.sids is not None:
            named = sids_file(files.sids)  # a root may get another current generation meanwhile
            sids = SemanticIDs.read(named, live.dataset.items)
            opened = open_ids(named.parent) if is_generation(named.parent) else None
        embeddings = None if files.embeddings is None else Embeddings.read(files.embeddings)
        new_places = None
        if files.tokenizer is not None and sids is not None:
            new_places = NewPlaces.load(files.tokenizer, files.encoder, sids, embeddings)
        return cls(live, ranked, sids, embeddings, new_places, file_hash(files.checkpoint)[:HASH_DIGITS], opened)

    @cached_property
    def filters(self) -> list[PlaceFilter]:
        """What every recommended place must be, whatever a request asks for."""
        return [OpenPlaces(~self.closed)] if self.closed.any() else []

    @property
    def items(self) -> Items:
        """The places."""
        return self.live.dataset.items

    @property
    def can(self) -> list[str]:
        """What it answers beside recommend and explain."""
        has = {
            "similar": bool(self.codebook_sizes),
            "vectors": self.vectors is not None,
            "encode": self.new_places is not None,
            "rerank": self.ranked is not None,
        }
        return [name for name, there in has.items() if there]

    def recommender(self, rerank: bool) -> LiveRecommender:
        """Return what answers queries.

        Raises:
            LgsidError: if a ranking model is asked for and there is none.
        """
        if not rerank:
            return self.live
        if self.ranked is None:
            raise LgsidError("rerank: this model is served without a ranking model; start with --rank-with")
        return self.ranked

    @cached_property
    def regions(self) -> npt.NDArray[np.object_]:
        """The finest known region of each place, empty where there is none, shape (N,)."""
        found = np.full(len(self.items), "", dtype=object)
        for column in self.items.region_columns:  # coarse to fine
            named = self.items.texts(column)
            found = np.where(named != "", named, found)
        return found

    @cached_property
    def texts(self) -> dict[str, npt.NDArray[np.object_]]:
        """Names, categories and their groups, shape (N,) each."""
        return {name: self.items.texts(name) for name in ("name", "category", "category_group")}

    @cached_property
    def check_ins(self) -> npt.NDArray[np.int64]:
        """Training check-ins of each place, shape (N,)."""
        return self.live.log.item_counts(len(self.items), "train")

    def place(self, row: int) -> dict[str, Any]:
        """Return what is told of a place wherever it is named."""
        items = self.items
        return {
            "item": str(items.ids[row]),
            "name": str(self.texts["name"][row]),
            "category": str(self.texts["category"][row]),
            "region": str(self.regions[row]),
            "latitude": finite(items.lat_deg[row]),
            "longitude": finite(items.lon_deg[row]),
            "sid": self.codes[row].tolist(),
        }

    def km(self, lat_deg: float, lon_deg: float) -> npt.NDArray[np.float64]:
        """Return the distance of every place from a position, NaN where a place has none, shape (N,) km."""
        lat, lon = (torch.from_numpy(values.copy()) for values in (self.items.lat_deg, self.items.lon_deg))
        here = torch.tensor([lat_deg, lon_deg], dtype=torch.float64)
        return np.asarray(haversine_m(lat, lon, here[0], here[1]).numpy() / 1e3)

    def shared_codes(self, sid: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return how many leading codes each place has in common with a semantic ID, shape (N,)."""
        if not self.codebook_sizes:
            return np.zeros(len(self.items), dtype=np.int64)
        return np.asarray(np.cumprod(self.codes == np.asarray(sid), axis=1).sum(axis=1))

    def cosines(self, row: int) -> npt.NDArray[np.float32] | None:
        """Return the cosine of each place's vector with that of a place, shape (N,); none without vectors."""
        if self.vectors is None:
            return None
        return np.asarray(torch.cosine_similarity(self.vectors, self.vectors[row][None], dim=1).numpy())


def generation_of(codes: npt.NDArray[np.int64], sizes: Sequence[int], sids: SemanticIDs | None) -> str:
    """Return the name of the generation of semantic IDs, or the first digits of their hash where they have no name."""
    if not sizes:
        return ""
    named = None if sids is None else sids.metadata.get(GENERATION_KEY)
    return str(named) if named else text_hash([codes.astype("<i8").tobytes(), repr(list(sizes))])[:HASH_DIGITS]


def finite(value: float) -> float | None:
    """Return a number for JSON, none where it is not finite."""
    return float(value) if np.isfinite(value) else None
