"""Search for events of the candidate's category, as SIM does."""

from __future__ import annotations

from torch import Tensor

from lgsid.recommenders.click.interest_extractor import ClickInputs
from lgsid.recommenders.click.search_attention import SearchAttention


class HardSearch(SearchAttention):
    """Attend to the k most recent events of the candidate's category.

    Source: Search-based Interest Model (arXiv 2006.05639), hard search, equation 1, and its exact search unit.
    """

    def relevance(self, inputs: ClickInputs) -> tuple[Tensor, Tensor]:
        """Return the same for all events, of which those of the category may be found."""
        same = inputs.pairs.same_category(inputs.history[:, None], inputs.item[:, :, None])
        return inputs.event.new_zeros(()).expand(same.shape), same & inputs.mask[:, None]
