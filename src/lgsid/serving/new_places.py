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

    The tokenizer gives the codes, and its collision strategy finds those that are free beside the known ones
    (`CollisionStrategy.extend`), as `lgsid sids append` does.

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
        if tokenizer.codebook_sizes not in (sids.codebook_sizes, sids.codebook_sizes[:-1]):
            raise LgsidError(
                f"semantic IDs of codebooks {list(sids.codebook_sizes)} give no code to a place that comes later:"
                f" the tokenizer has {list(tokenizer.codebook_sizes)}"
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
            LgsidError: if no code is free, or the collision strategy cannot give any beside those of known places.
        """
        batch = self.tokenizer.batch_of(place, self._vector(place)).to(self.tokenizer.device)
        with torch.no_grad():
            raw = self.tokenizer.encode(batch).cpu().numpy()
            found = self.tokenizer.collisions.extend(
                raw, self.tokenizer.codebook_sizes, self.tokenizer.code_distances(batch), self.sids.codes
            )
        return NewSid(tuple(found.codes[0].tolist()), tuple(raw[0].tolist()))

    def _vector(self, place: Items) -> npt.NDArray[np.float32] | None:
        if self.encoder is None:
            return None
        texts = self.prompts.prompts(place)
        with torch.no_grad():
            if not self.reference:
                return np.asarray(self.encoder(texts).float().cpu().numpy())
            with self.encoder.reference():
                return np.asarray(self.encoder(texts).float().cpu().numpy())


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
