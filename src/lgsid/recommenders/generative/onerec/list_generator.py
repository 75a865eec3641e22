"""What a search for lists and a ranking of lists ask of a generator."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.recommenders.generative.beam_decoder import BeamDecoder
from lgsid.recommenders.generative.generative_recommender import BEGIN
from lgsid.recommenders.generative.generator_scorer import GeneratorScorer
from lgsid.recommenders.generative.onerec.place_lists import PlaceLists
from lgsid.recommenders.generative.t5_generator import T5Generator
from lgsid.typing import SequenceBatch


class ListGenerator(T5Generator):
    """Generate places one after the other, each its begin token and the codes of its semantic ID."""

    list_length: int
    """Places of a list (m)."""

    def begin_tokens(self, n: int, device: torch.device) -> Tensor:
        """Return the token that begins a place, shape (n,)."""
        return torch.full((n,), BEGIN, dtype=torch.long, device=device)

    def list_scorer(self, decoder: BeamDecoder, n_lists: int) -> GeneratorScorer:
        """Return a search's view of the next place of M lists, whose decoder stands behind what they hold."""
        begin = self.begin_tokens(n_lists, self.token_table.weight.device)
        return GeneratorScorer(decoder, self.child_log_probs, self.level_offset, begin, self.catalogue.trie)

    @abstractmethod
    def lists(
        self, batch: SequenceBatch, length: int, n_lists: int, allowed: Tensor | None = None, width: int | None = None
    ) -> PlaceLists:
        """Return the most probable lists of different places, as far as the beams find them; deterministic.

        Args:
            batch: B queries.
            length: Most places of a list.
            n_lists: Lists of each query.
            allowed: Shape (N,) or (B, N) bool, the places that lists may hold.
            width: Prefixes that the search for a place follows at a time; `beam_width` if not given.
        """
