"""PartName keeps the contract of a loss on codebooks, and does what it says."""

import pytest
import torch
from part_package import PartName

from lgsid.testing import CodebookLossContract


class TestPartName(CodebookLossContract):
    def make(self):
        return PartName()


def test_orthogonal_codes_have_none_and_those_on_a_line_have_all():
    codes = torch.zeros(1, 1, dtype=torch.int64)
    line = torch.tensor([[1.0, 2.0], [-2.0, -4.0], [0.5, 1.0]])
    for codebook, expected in ((3 * torch.eye(4), 0.0), (line, 1.0), (torch.tensor([[1.0, 0.0], [1.0, 1.0]]), 0.5)):
        assert PartName()([codebook[:1]], [codebook], codes).item() == pytest.approx(expected, abs=1e-6)
