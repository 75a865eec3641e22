"""Contract tests of the features of a reward model's head, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.construction import is_plain
from lgsid.rewards.head_inputs import HeadInput
from lgsid.testing.part_contract import PartContract, through_a_file


class HeadInputContract(PartContract):
    """Contract tests of a head input.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = HeadInput
    dim = 8

    @abstractmethod
    def make(self) -> HeadInput:
        """Return a new input, not built yet; with the same arguments every time."""

    def built(self, seed: int = 0) -> tuple[HeadInput, int]:
        """Return an input that is built, in evaluation mode, and the width W of its features."""
        torch.manual_seed(seed)
        made = self.make()
        width = made.build(self.dim)
        return made.eval(), width

    def vectors(self) -> tuple[Tensor, Tensor]:
        """Return vectors of 4 anchors, (B, D), and of their candidates, (B, C, D)."""
        g = torch.Generator().manual_seed(0)
        return torch.randn(4, self.dim, generator=g), torch.randn(4, 5, self.dim, generator=g)

    def test_features_have_the_width_that_build_returns(self) -> None:
        """(B, C, W), finite, for a batch, for one list and for one candidate."""
        head, width = self.built()
        anchor, candidates = self.vectors()
        assert isinstance(width, int)
        for rows, columns in ((4, 5), (1, 5), (4, 1)):
            found = head(anchor[:rows], candidates[:rows, :columns])
            assert found.shape == (rows, columns, width)
            assert bool(found.isfinite().all())

    def test_a_candidate_is_seen_alone(self) -> None:
        """In evaluation mode other lists and other candidates do not matter, nor does their order."""
        head, _ = self.built()
        anchor, candidates = self.vectors()
        found = head(anchor, candidates)
        order = torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(head(anchor[order], candidates[order]), found[order])
        columns = torch.tensor([4, 1, 0, 2, 3])
        torch.testing.assert_close(head(anchor, candidates[:, columns]), found[:, columns])
        torch.testing.assert_close(head(anchor[1:2], candidates[1:2, 2:3]), found[1:2, 2:3])

    def test_it_sees_the_candidate_and_the_anchor_as_it_says(self) -> None:
        """Another candidate has other features; another anchor has if and only if `sees_anchor` says so."""
        head, _ = self.built()
        anchor, candidates = self.vectors()
        found = head(anchor, candidates)
        assert not torch.allclose(head(anchor, candidates.flip(0)), found)
        assert torch.allclose(head(anchor.flip(0), candidates), found) != type(head).sees_anchor

    def test_every_parameter_and_the_candidates_get_a_gradient(self) -> None:
        """In training mode, finite."""
        head, _ = self.built()
        anchor, candidates = self.vectors()
        candidates.requires_grad_()
        head.train()(anchor, candidates).square().sum().backward()
        for name, gradient in [("candidates", candidates.grad), *((n, p.grad) for n, p in head.named_parameters())]:
            assert gradient is not None, name
            assert bool(gradient.isfinite().all()), name

    def test_arguments_rebuild_it(self) -> None:
        """`arguments` are plain and, with the state dict, give an input with the same features."""
        head, _ = self.built()
        assert is_plain(head.arguments())
        copy = type(head)(**through_a_file(head.arguments()))
        torch.manual_seed(1)
        copy.build(self.dim)
        copy.load_state_dict(through_a_file(head.state_dict()))
        assert torch.equal(copy.eval()(*self.vectors()), head(*self.vectors()))

    def test_bfloat16(self) -> None:
        """Under autocast the features are nearly the same."""
        head, _ = self.built()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            found = head(*self.vectors())
        expected = head(*self.vectors()).detach()
        torch.testing.assert_close(found.float(), expected, atol=0.1 * float(expected.abs().max()), rtol=0.1)
