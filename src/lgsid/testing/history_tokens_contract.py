"""Contract tests of layouts of past check-ins, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.recommenders.generative.history_tokens import HistoryTokens
from lgsid.testing.part_contract import PartContract, through_a_file


class HistoryTokensContract(PartContract):
    """Contract tests of what turns the codes of past check-ins into tokens.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = HistoryTokens
    dim = 6

    @abstractmethod
    def make(self) -> HistoryTokens:
        """Return a new layout; with the same arguments every time."""

    def history(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return 4 histories of 5 check-ins of 3 codes: codes (B, T, L, D), times (B, T, D), what is real (B, T)."""
        g = torch.Generator().manual_seed(0)
        known = torch.arange(5)[None] >= torch.tensor([0, 2, 4, 5])[:, None]  # right-aligned; the last has none
        return torch.randn(4, 5, 3, self.dim, generator=g), torch.randn(4, 5, self.dim, generator=g), known

    def laid_out(self) -> HistoryTokens:
        """Return a layout in evaluation mode."""
        torch.manual_seed(0)
        return self.make().eval()

    def test_tokens_and_which_of_them_are_real(self) -> None:
        """(B, S, D) and (B, S) bool: a real check-in has at least one real token, padding has none."""
        codes, event, known = self.history()
        tokens, real = self.laid_out()(codes, event, known)
        assert tokens.shape == (4, real.shape[1], self.dim)
        assert real.shape[0] == 4
        assert real.dtype == torch.bool
        assert bool(tokens[real].isfinite().all())
        assert torch.equal(real.any(1), known.any(1))
        assert bool((real.sum(1) >= known.sum(1)).all())

    def test_a_history_is_laid_out_alone(self) -> None:
        """Other histories of the batch do not matter, nor does their order."""
        layout, (codes, event, known) = self.laid_out(), self.history()
        tokens, real = layout(codes, event, known)
        for b in range(4):
            alone, there = layout(codes[b : b + 1], event[b : b + 1], known[b : b + 1])
            assert torch.equal(there[0], real[b])
            torch.testing.assert_close(alone[0][there[0]], tokens[b][real[b]])

    def test_what_stands_at_padding_is_not_read(self) -> None:
        """Real tokens are the same whatever stands there."""
        layout, (codes, event, known) = self.laid_out(), self.history()
        tokens, real = layout(codes, event, known)
        noise = codes.masked_fill(~known[:, :, None, None], 50.0), event.masked_fill(~known[:, :, None], -50.0)
        others, _ = layout(*noise, known)
        torch.testing.assert_close(others[real], tokens[real])

    def test_every_code_and_every_time_is_in_the_tokens(self) -> None:
        """Real codes and times, and all parameters, get a gradient."""
        layout, (codes, event, known) = self.laid_out().train(), self.history()
        codes.requires_grad_()
        event.requires_grad_()
        tokens, real = layout(codes, event, known)
        weight = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(1))
        (tokens * weight)[real].sum().backward()
        assert codes.grad is not None
        assert event.grad is not None
        assert bool(codes.grad[known].abs().sum(-1).gt(0).all())
        assert bool(event.grad[known].abs().sum(-1).gt(0).all())
        assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in layout.parameters())

    def test_bfloat16(self) -> None:
        """Under autocast the tokens are nearly the same."""
        layout, history = self.laid_out(), self.history()
        tokens, real = layout(*history)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            found, _ = layout(*history)
        torch.testing.assert_close(found[real].float(), tokens[real].detach(), atol=0.1, rtol=0.1)

    def test_state_travels_in_the_state_dict(self) -> None:
        """A layout of the same arguments with the state of another gives the same tokens."""
        layout, copy = self.laid_out(), self.make().eval()
        copy.load_state_dict(through_a_file(layout.state_dict()))
        assert torch.equal(copy(*self.history())[0], layout(*self.history())[0])
