"""The loss of learnable centroids against its formula."""

import pytest
import torch

from lgsid.functional.residual import soft_assignment, usage_entropy
from lgsid.quantizers import ResidualCentroids


@torch.no_grad()
@pytest.mark.parametrize("weight", [0.0, 0.1, 2.0])
def test_the_loss_is_the_error_plus_what_the_usage_of_codes_lacks(weight):
    x = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)) * 3
    quantizer = ResidualCentroids((6, 4), entropy_weight=weight, temperature=0.7)
    quantizer.build(5)
    quantizer.fit(x)
    found = quantizer(x)
    rest, shares = x, []
    for level, book in enumerate(quantizer.centroids):
        shares.append(float(usage_entropy(soft_assignment(rest, book, 0.7))))
        rest = rest - book[found.codes[:, level]]
    error = float(rest.square().sum() / x.square().sum())
    assert 0 < min(shares) < max(shares) < 1
    lacking = sum(1 - share for share in shares) / 2
    assert float(found.loss) == pytest.approx(error + weight * lacking, rel=1e-4)
    torch.testing.assert_close(found.embedding, x - rest)
