import pytest

from lgsid.errors import LgsidError
from lgsid.neighbors import ExactNeighbors
from lgsid.testing import NeighborIndexContract


class TestExactNeighbors(NeighborIndexContract):
    def make(self):
        return ExactNeighbors()


class TestExactNeighborsOneByOne(NeighborIndexContract):
    def make(self):
        return ExactNeighbors(chunk_size=1)


def test_chunks_have_rows():
    with pytest.raises(LgsidError, match="ExactNeighbors: chunk_size must be positive, got 0"):
        ExactNeighbors(0)
