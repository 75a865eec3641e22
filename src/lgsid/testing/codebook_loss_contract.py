"""Contract tests of losses on codebooks, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.functional.residual import residual_encode
from lgsid.quantizers.codebook_loss import CodebookLoss
from lgsid.testing.part_contract import PartContract

SIZES = (8, 6, 4)


class CodebookLossContract(PartContract):
    """Contract tests of a loss on codebooks.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = CodebookLoss

    @abstractmethod
    def make(self) -> CodebookLoss:
        """Return a new loss; with the same arguments every time."""

    def quantized(self) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Return what a loss is asked with: residuals (B, D), codebooks (K_l, D) that want a gradient, codes (B, L)."""
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(40, 6, generator=generator)
        books = [torch.randn(size, 6, generator=generator).requires_grad_() for size in SIZES]
        codes, residuals = residual_encode(x, [book.detach() for book in books])
        return residuals[:-1], books, codes

    def test_it_is_one_finite_number(self) -> None:
        """Also for one item, for equal items, and for codebooks of one code."""
        residuals, books, codes = self.quantized()
        equal = [r[:1].expand(5, -1) for r in residuals]
        single = [book[:1] for book in books]
        for given in (
            (residuals, books, codes),
            ([r[:1] for r in residuals], books, codes[:1]),
            (equal, books, codes[:1].expand(5, -1)),
            (residuals, single, torch.zeros_like(codes)),
        ):
            value = self.make()(*given)
            assert value.shape == ()
            assert bool(value.isfinite())

    def test_every_codebook_gets_a_gradient(self) -> None:
        """That is what it is for: a loss of counted codes would have none."""
        residuals, books, codes = self.quantized()
        self.make()(residuals, books, codes).backward()
        for book in books:
            assert book.grad is not None
            assert bool(book.grad.isfinite().all())
            assert float(book.grad.norm()) > 0

    def test_a_step_against_its_gradient_lowers_it(self) -> None:
        """A small one."""
        residuals, books, codes = self.quantized()
        loss = self.make().eval()
        before = loss(residuals, books, codes)
        gradients = torch.autograd.grad(before, books)
        moved = [(book - 1e-2 * g / g.norm()).detach() for book, g in zip(books, gradients, strict=True)]
        assert float(loss(residuals, moved, codes).detach()) < float(before.detach())

    def test_the_order_of_items_is_irrelevant_and_it_repeats(self) -> None:
        """A permuted batch has the same loss, and so has the same batch again."""
        residuals, books, codes = self.quantized()
        order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(1))
        first = self.make()(residuals, books, codes)
        torch.testing.assert_close(self.make()([r[order] for r in residuals], books, codes[order]), first)
        assert torch.equal(self.make()(residuals, books, codes), first)
