"""One vector per text against a loop over its tokens."""

import pytest
import torch

from lgsid.functional.pooling import cls_pool, last_pool, mean_pool

MASKS = [[1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1]]


@pytest.fixture
def hidden():
    return torch.randn(len(MASKS), 4, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float32])
def test_padding_on_either_side_is_not_looked_at(hidden, dtype):
    mask = torch.tensor(MASKS).to(dtype)
    first, mean, last = cls_pool(hidden, mask), mean_pool(hidden, mask), last_pool(hidden, mask)
    for row, tokens in enumerate(MASKS):
        kept = [hidden[row, place] for place, real in enumerate(tokens) if real]
        assert torch.equal(first[row], kept[0])
        assert torch.equal(last[row], kept[-1])
        torch.testing.assert_close(mean[row], sum(kept) / len(kept))


def test_a_mean_is_of_single_precision_and_that_of_nothing_is_zero(hidden):
    assert mean_pool(hidden.half(), torch.tensor(MASKS)).dtype == torch.float32
    assert mean_pool(hidden[:1], torch.zeros(1, 4)).tolist() == [[0.0, 0.0, 0.0]]
