"""Places of a unit square, and a tokenizer whose codes are their cells: no training, all computed by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from lgsid.artefacts import Items
from lgsid.generations import Generations
from lgsid.tokenizers import CounterSuffix, Tokenizer

SIZES = (4, 4, 6)


class GridTokenizer(Tokenizer):
    """Codes: the band of the latitude, that of the longitude, and the part of the first band."""

    @property
    def codebook_sizes(self):
        return SIZES

    def distances(self, items, codes, level):
        at = (items.lat_deg, items.lon_deg, items.lat_deg * SIZES[0] % 1)[level]
        return (at[:, None] * SIZES[level] - torch.arange(SIZES[level]) - 0.5).square()

    def encode(self, items):
        return torch.stack([self.distances(items, None, level).argmin(1) for level in range(len(SIZES))], 1)


class Square:
    """The places and their tokenizer.

    Args:
        collisions: Strategy of the tokenizer.
    """

    def __init__(self, collisions=None):
        self.tokenizer = GridTokenizer(collisions)

    @staticmethod
    def items(numbers, north=0.0, name="place"):
        """Places by their numbers, all moved to the north by so much."""
        number = np.array(list(numbers))
        lat, lon = (number * 0.618034 + north) % 1, number * 0.414214 % 1
        ids = [f"p{n}" for n in number]
        return Items.from_frame(pd.DataFrame({"item_id": ids, "lat": lat, "lon": lon, "name": [name + i for i in ids]}))

    def published(self, root, numbers=range(12)):
        """A root with one generation."""
        items = self.items(numbers)
        generations = Generations(root)
        generations.publish(self.tokenizer.tokenize(items), items)
        return generations


@pytest.fixture(scope="session")
def square():
    return Square()


@pytest.fixture(scope="session")
def counted():
    """The same with a counter behind the codes."""
    return Square(CounterSuffix())
