"""What an extractor sees, made of random numbers."""

import pytest
import torch

from lgsid.recommenders import ClickInputs, ClickSizes, LogDistance, NoDistance, PlacePairs
from lgsid.recommenders.catalogue import Catalogue
from lgsid.typing import DataShape

ITEMS, WIDTH, CONTEXT = 30, 6, 5


class Town:
    """Places with random embeddings, and histories among them: `inputs` are those of B queries."""

    def __init__(self, with_sids=True, distance=True, seed=0):
        g = torch.Generator().manual_seed(seed)
        self.catalogue = Catalogue(DataShape(ITEMS, n_regions=(2, 5), n_categories=4, codebook_sizes=(3, 2)))
        self.catalogue.lat_deg.copy_(40 + torch.rand(ITEMS, generator=g) / 9)
        self.catalogue.lon_deg.copy_(-74 + torch.rand(ITEMS, generator=g) / 9)
        self.catalogue.category.copy_(torch.randint(4, (ITEMS,), generator=g))
        for level, size in enumerate((2, 5)):
            self.catalogue.region[:, level] = torch.randint(size, (ITEMS,), generator=g)
        for level, size in enumerate((3, 2)):
            self.catalogue.codes[:, level] = torch.randint(size, (ITEMS,), generator=g)
        self.table = torch.randn(ITEMS, WIDTH, generator=g).tanh().requires_grad_()
        self.pairs = PlacePairs(self.catalogue, LogDistance(steps=3) if distance else NoDistance(), with_sids)
        self.sizes = ClickSizes(WIDTH, CONTEXT, self.pairs.n_match, self.pairs.n_cross, ITEMS)

    def queries(self, lengths, candidates=4, seed=1):
        """Return histories (lists of rows), when their events were (T, X), and candidates (B, C)."""
        g = torch.Generator().manual_seed(seed)
        histories = [torch.randint(ITEMS, (n,), generator=g) for n in lengths]
        contexts = [torch.randn(n, CONTEXT, generator=g) for n in lengths]
        return histories, contexts, torch.randint(ITEMS, (len(lengths), candidates), generator=g)

    def inputs(self, lengths, candidates=4, before=0, behind=0, align="right", label=False, seed=1):
        """Return them with padding: to the longest on the other side of `align`, and more on both."""
        histories, contexts, item = self.queries(lengths, candidates, seed)
        total = max(1, max(lengths)) + before + behind
        history = torch.zeros(len(lengths), total, dtype=torch.int64)
        context = torch.full((len(lengths), total, CONTEXT), 9.0)
        mask = torch.zeros(len(lengths), total, dtype=torch.bool)
        for row, (places, when) in enumerate(zip(histories, contexts, strict=True)):
            start = total - behind - len(places) if align == "right" else before
            there = slice(start, start + len(places))
            history[row, there], context[row, there], mask[row, there] = places, when, True
        labels = torch.arange(candidates).eq(0).float().expand_as(item) if label else None
        event, target = self.table[history], self.table[item]
        return ClickInputs(
            event, context, mask, target, history, item, lambda rows: self.table[rows], self.pairs, labels
        )


@pytest.fixture
def town():
    return Town()


@pytest.fixture
def make_town():
    return Town
