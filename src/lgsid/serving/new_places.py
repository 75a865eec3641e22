"""Semantic IDs for places that the dataset does not have, from name, category and position."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lgsid import checkpoints
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.module import LgsidModule
from lgsid.text.prompt_template import PromptTemplate
from lgsid.text.text_encoder import TextEncoder
from lgsid.tokenizers.tokenizer import Tokenizer
from lgsid.typing import ItemBatch

COUNTER_SUFFIX = "CounterSuffix"
NEW_ID = "new"


@dataclass(frozen=True)
class NewSid:
    """The semantic ID of a new place.

    Args:
        free: Codes that no known place has.
        nearest: Codes that fit best, whether or not they are free.
    """

    free: tuple[int, ...]
    nearest: tuple[int, ...]


class NewPlaces:
    """Give a new place the free semantic ID nearest to it; published ones stay as they are.

    All codes but the last are those of the tokenizer. Where a known place has the same semantic ID, the last code is
    the nearest that is free below them (`NearestFreeCode`), or the next number (`CounterSuffix`).

    Args:
        tokenizer: That made the semantic IDs.
        sids: Those of the known places.
        encoder: That made the vectors; none for a tokenizer without vectors.
        prompts: Template of the prompts behind the vectors.
        reference: Whether the vectors are those before the alignment.

    Raises:
        LgsidError: if the tokenizer's codes are not those of the semantic IDs.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        sids: SemanticIDs,
        encoder: TextEncoder | None = None,
        prompts: PromptTemplate | None = None,
        reference: bool = False,
    ) -> None:
        self.tokenizer, self.sids, self.encoder, self.reference = tokenizer, sids, encoder, reference
        self.prompts = prompts or PromptTemplate()
        sizes = tokenizer.codebook_sizes
        self.has_suffix = sids.codebook_sizes[:-1] == sizes and (
            sids.metadata.get("collision_strategy", COUNTER_SUFFIX) == COUNTER_SUFFIX
        )
        if not self.has_suffix and sids.codebook_sizes != sizes:
            raise LgsidError(
                f"semantic IDs of codebooks {list(sids.codebook_sizes)} give no code to a place that comes later:"
                f" the tokenizer has {list(sizes)}"
            )

    @classmethod
    def load(
        cls, tokenizer: Path, encoder: Path | None, sids: SemanticIDs, embeddings: Embeddings | None
    ) -> NewPlaces | None:
        """Load a tokenizer and the encoder of its vectors; none where there is no telling the vector of a new place.

        Raises:
            LgsidError: if a file is damaged, or the encoder is not the one that made the vectors.
        """
        made_by = checkpoints.load(tokenizer, Tokenizer)  # type: ignore[type-abstract]
        strategy = str(sids.metadata.get("collision_strategy", ""))
        plain = made_by.codebook_sizes in (sids.codebook_sizes, sids.codebook_sizes[:-1])
        if not plain or strategy == "PrefixCodes":
            return None
        if made_by.data_shape is None or not made_by.data_shape.embedding_dim:
            return cls(made_by, sids)
        described = {} if embeddings is None else dict(embeddings.metadata)
        known: Any = described.get("encoder")
        if encoder is None or not isinstance(known, dict):
            return None
        aligner = checkpoints.load(encoder, LgsidModule)
        network = getattr(aligner, "encoder", None)
        if not isinstance(network, TextEncoder):
            return None
        before = not known.get("adapter_hash")
        if not before and known["adapter_hash"] != network.adapter_hash():
            raise LgsidError(f"{encoder}: not the encoder that made the vectors; give that of their alignment")
        return cls(made_by, sids, network, PromptTemplate(**described.get("prompts", {})), before)

    def sid(self, place: Items) -> NewSid:
        """Return the semantic ID of one new place.

        Args:
            place: A table of that place only, with the columns of the known ones.

        Raises:
            LgsidError: if no code is free.
        """
        batch = self.tokenizer.batch_of(place, self._vector(place)).to(self.tokenizer.device)
        with torch.no_grad():
            raw = self.tokenizer.encode(batch)
            nearest = tuple(raw[0].tolist())
            if self.has_suffix:
                return NewSid((*nearest, self._number(nearest)), nearest)
            return NewSid((*nearest[:-1], self._last_code(batch, raw)), nearest)

    def _vector(self, place: Items) -> npt.NDArray[np.float32] | None:
        if self.encoder is None:
            return None
        texts = self.prompts.prompts(place)
        with torch.no_grad():
            if not self.reference:
                return np.asarray(self.encoder(texts).float().cpu().numpy())
            with self.encoder.reference():
                return np.asarray(self.encoder(texts).float().cpu().numpy())

    def _taken(self, prefix: tuple[int, ...]) -> npt.NDArray[np.int64]:
        """Return the last codes that known places have below a prefix."""
        below = (self.sids.codes[:, :-1] == np.array(prefix, dtype=np.int64)).all(axis=1)
        return np.asarray(self.sids.codes[below, -1])

    def _number(self, prefix: tuple[int, ...]) -> int:
        """Return the next number below a prefix, from 0."""
        return int(self._taken(prefix).max(initial=-1)) + 1

    def _last_code(self, batch: ItemBatch, raw: torch.Tensor) -> int:
        """Return the nearest last code that is free below the codes before it."""
        level = raw.shape[1] - 1
        prefix = tuple(raw[0, :level].tolist())
        distances = self.tokenizer.distances(batch, raw[:, :level], level)[0].double().cpu().numpy()
        taken = self._taken(prefix)
        if len(set(taken.tolist())) == len(distances):
            raise LgsidError(f"all {len(distances)} semantic IDs below {'-'.join(map(str, prefix))} are taken")
        distances[taken] = np.inf
        return int(distances.argmin())


def new_place(known: Items, nearest: int, name: str, category: str, lat_deg: float, lon_deg: float) -> Items:
    """Return the table of one new place with the columns of the known ones.

    Its regions are those of the nearest known place; the group of its category is the one that most places of the
    category have.

    Args:
        known: The known places.
        nearest: Row of the nearest of them.
        name: Its name, empty where unknown.
        category: Its category, empty where unknown.
        lat_deg: Latitude in degrees.
        lon_deg: Longitude in degrees.
    """
    of_kind = known.texts("category") == category
    groups, counts = np.unique(known.texts("category_group")[of_kind].astype(str), return_counts=True)
    row = (
        known.frame.iloc[[nearest]]
        .drop(columns="geometry")
        .assign(
            item_id=NEW_ID,
            name=name,
            category=category,
            category_group=str(groups[counts.argmax()]) if len(groups) else "",
            brand="",
            lat=lat_deg,
            lon=lon_deg,
        )
    )
    return Items.from_frame(row)
