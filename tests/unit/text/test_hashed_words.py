import zlib

import numpy as np
import pytest
import torch

from lgsid.errors import LgsidError
from lgsid.text import HashedWords


def test_a_vector_is_the_sum_of_the_directions_of_words_and_pairs() -> None:
    encoder = HashedWords(dim=8, directions=64, seed=3)
    table = torch.randn(64, 8, generator=torch.Generator().manual_seed(3)).numpy()
    total = np.zeros(8)
    for word in ("joe", "s", "coffee", "joe\x1fs", "s\x1fcoffee"):
        total += table[zlib.crc32(word.encode(), 3) % 64]
    found = encoder.encode(["Joe's COFFEE!"], progress=False, use_cache=False)[0]
    np.testing.assert_allclose(found.numpy(), total / np.linalg.norm(total), rtol=1e-5)


def test_words_beyond_the_maximum_are_left_out_and_shared_words_bring_texts_near() -> None:
    encoder = HashedWords(max_length=2)
    assert encoder.tokenize(["a b c"]) == encoder.tokenize(["a b"])
    blue, green, other = HashedWords().encode(["blue coffee bar", "green coffee bar", "city park"], progress=False)
    assert float(blue @ green) > float(blue @ other) + 0.2


def test_wrong_sizes_are_one_line() -> None:
    with pytest.raises(LgsidError, match="dim must be at least 1"):
        HashedWords(dim=0)
