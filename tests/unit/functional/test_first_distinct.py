"""The first different entries of rows."""

import torch

from lgsid.functional.lists import first_distinct


def test_it_is_a_loop_over_rows():
    items = torch.randint(-1, 5, (40, 9), generator=torch.Generator().manual_seed(0))
    for length in (1, 3, 12):
        for row, found in zip(items.tolist(), first_distinct(items, length).tolist(), strict=True):
            expected = list(dict.fromkeys(item for item in row if item >= 0))[:length]
            assert found == expected + [-1] * (length - len(expected))
