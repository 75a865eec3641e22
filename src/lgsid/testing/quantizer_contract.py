"""Contract tests of quantizers, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from lgsid.quantizers.quantizer import Quantized, Quantizer
from lgsid.testing.part_contract import PartContract, through_a_file


class QuantizerContract(PartContract):
    """Contract tests of a quantizer.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = Quantizer
    dim = 12
    n_vectors = 80

    @abstractmethod
    def make(self) -> Quantizer:
        """Return a new quantizer, not built yet; with the same arguments every time."""

    @classmethod
    def made(cls, part: Any) -> Any:
        """Make it with three levels of different sizes."""
        return part(codebook_sizes=(7, 5, 3))

    def vectors(self) -> Tensor:
        """Return vectors in a few clumps, (N, D)."""
        generator = torch.Generator().manual_seed(0)
        centers = torch.randn(6, self.dim, generator=generator)
        chosen = torch.randint(6, (self.n_vectors,), generator=generator)
        return centers[chosen] + 0.2 * torch.randn(self.n_vectors, self.dim, generator=generator)

    def fitted(self) -> tuple[Quantizer, Tensor]:
        """Return a quantizer that is built and fitted, and the vectors."""
        quantizer, x = self.make(), self.vectors()
        quantizer.build(self.dim)
        quantizer.fit(x)
        return quantizer, x

    def test_codes_lie_inside_the_codebooks(self) -> None:
        """Codes are int64, one for each level, from 0 to below the codebook size; also before `fit`."""
        bare, (quantizer, x) = self.make(), self.fitted()
        bare.build(self.dim)
        for each in (bare, quantizer):
            codes = each.encode(x)
            assert codes.dtype == torch.int64
            assert codes.shape == (len(x), len(each.codebook_sizes))
            assert bool((codes >= 0).all())
            assert bool((codes < torch.tensor(each.codebook_sizes)).all())

    def test_forward_returns_vectors_codes_and_a_scalar_loss(self) -> None:
        """The vectors have the shape of the input, and the loss is one finite number."""
        quantizer, x = self.fitted()
        out: Quantized = quantizer(x)
        assert out.embedding.shape == x.shape
        assert out.codes.shape == (len(x), len(quantizer.codebook_sizes))
        assert out.loss.ndim == 0
        assert bool(out.loss.isfinite())

    def test_decoding_rebuilds_what_forward_returned(self) -> None:
        """In evaluation mode `decode(encode(x))` is the embedding of `forward(x)`."""
        quantizer, x = self.fitted()
        quantizer.eval()
        with torch.no_grad():
            torch.testing.assert_close(
                quantizer.decode(quantizer.encode(x)), quantizer(x).embedding, atol=1e-4, rtol=1e-4
            )

    def test_the_rest_of_the_batch_does_not_matter(self) -> None:
        """A row has the same codes alone, in a small batch, and in another order."""
        quantizer, x = self.fitted()
        codes = quantizer.encode(x)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
        assert torch.equal(quantizer.encode(x[order]), codes[order])
        assert torch.equal(torch.cat([quantizer.encode(part) for part in torch.split(x, 7)]), codes)

    def test_encoding_changes_nothing(self) -> None:
        """`encode` leaves the state and the mode as they were."""
        quantizer, x = self.fitted()
        quantizer.train()
        before = {name: value.clone() for name, value in quantizer.state_dict().items()}
        quantizer.encode(x)
        assert quantizer.training
        assert all(torch.equal(value, before[name]) for name, value in quantizer.state_dict().items())

    def test_fitting_is_repeatable(self) -> None:
        """The same arguments and vectors give the same codes."""
        (one, x), (other, _) = self.fitted(), self.fitted()
        assert torch.equal(one.encode(x), other.encode(x))

    def test_state_travels_in_the_state_dict(self) -> None:
        """A new quantizer with the old one's state gives the same codes and vectors."""
        quantizer, x = self.fitted()
        copy = self.make()
        copy.build(self.dim)
        copy.load_state_dict(through_a_file(quantizer.state_dict()))
        codes = quantizer.encode(x)
        assert torch.equal(copy.encode(x), codes)
        torch.testing.assert_close(copy.eval().decode(codes), quantizer.eval().decode(codes))

    def test_distances_rank_the_own_code_first_at_the_last_level(self) -> None:
        """The nearest code of the last level, given the earlier ones, is the item's own, for nearly all items."""
        quantizer, x = self.fitted()
        codes, last = quantizer.encode(x), len(quantizer.codebook_sizes) - 1
        distances = quantizer.distances(x, codes, last)
        assert distances.shape == (len(x), quantizer.codebook_sizes[last])
        assert bool(distances.isfinite().all())
        assert float((distances.argmin(dim=1) == codes[:, last]).double().mean()) > 0.9

    def test_parameters_get_a_gradient(self) -> None:
        """If there are trainable parameters, the loss reaches every parameter."""
        quantizer, x = self.fitted()
        parameters = [p for p in quantizer.parameters() if p.requires_grad]
        out: Quantized = quantizer.train()(x)
        if parameters:
            out.loss.backward()  # type: ignore[no-untyped-call]
            assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in parameters)

    def test_bfloat16(self) -> None:
        """Under autocast codes stay codes, nearly all of them the same, and vectors stay finite."""
        quantizer, x = self.fitted()
        codes = quantizer.encode(x)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            out: Quantized = quantizer.eval()(x)
        assert out.codes.dtype == torch.int64
        assert bool(out.embedding.isfinite().all())
        assert float((out.codes[:, 0] == codes[:, 0]).double().mean()) > 0.8
