"""Every quantizer on many vectors: bounded memory, a sample for fitting, blocks for encoding."""

import numpy as np
import pytest
import torch

from lgsid.quantizers import RQVAE, ResidualCentroids, ResidualFSQ, ResidualVQ, RQKMeans
from lgsid.quantizers.quantizer import ENCODED_ROWS

SIZES = (8, 8)
MAKERS = {
    "RQKMeans": lambda: RQKMeans(SIZES),
    "ResidualCentroids": lambda: ResidualCentroids(SIZES),
    "ResidualVQ": lambda: ResidualVQ(SIZES),
    "RQVAE": lambda: RQVAE(SIZES, latent_dim=6, hidden_dims=(10,)),
    "ResidualFSQ": lambda: ResidualFSQ((4, 2), 2),
}


class Widest(torch.overrides.TorchFunctionMode):
    """Remembers the most rows that any tensor computed inside has, except the codes."""

    def __init__(self):
        super().__init__()
        self.rows = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.is_floating_point() and result.ndim > 1:
            self.rows = max(self.rows, *result.shape)
        return result


@pytest.mark.parametrize("name", MAKERS)
def test_no_step_holds_more_rows_than_a_sample_or_a_block(name):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(20_000, 12))).float()
    quantizer = MAKERS[name]()
    quantizer.build(12)
    with Widest() as fitting:
        quantizer.fit(x)
    with Widest() as encoding:
        codes = quantizer.encode(x)
    assert 256 * max(SIZES) <= fitting.rows <= 2 * 256 * max(SIZES)
    assert encoding.rows == ENCODED_ROWS
    blocks = torch.cat([quantizer.encode(part) for part in torch.split(x, 999)])
    assert float((blocks == codes).double().mean()) > 0.999  # the wrapped ones decide in float32


@pytest.mark.parametrize("name", ["RQKMeans", "ResidualCentroids", "ResidualVQ"])
def test_a_fitted_start_uses_every_code_on_isotropic_vectors(name):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2000, 64))).float()
    quantizer = {"RQKMeans": RQKMeans, "ResidualCentroids": ResidualCentroids, "ResidualVQ": ResidualVQ}[name]([64] * 3)
    quantizer.build(64)
    quantizer.fit(x)
    codes = quantizer.encode(x)
    for level in range(3):
        counts = codes[:, level].bincount(minlength=64)
        assert int(counts.min()) > 0
        assert int(counts.max()) < 200
    assert len(codes.unique(dim=0)) > 1900


def test_moving_averages_start_at_the_centroids():
    """The codebooks do not jump at the first training step."""
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1500, 8))).float()
    quantizer = ResidualVQ([16, 8], decay=0.99)
    quantizer.build(8)
    quantizer.fit(x)
    before = [book.clone() for book in quantizer.codebooks]
    quantizer.train()(x)
    for book, old in zip(quantizer.codebooks, before, strict=True):
        torch.testing.assert_close(book, old, atol=2e-2, rtol=0)
        assert not torch.equal(book, old)
