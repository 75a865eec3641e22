"""Contract tests of features of semantic IDs, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.recommenders.click.sid_features import SidFeatures
from lgsid.testing.part_contract import PartContract, through_a_file

SIZES = (5, 4, 3)


class SidFeaturesContract(PartContract):
    """Contract tests of how a ranking model sees semantic IDs.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = SidFeatures

    @abstractmethod
    def make(self) -> SidFeatures:
        """Return new features, not built yet; with the same arguments every time."""

    def built(self, seed: int = 0) -> SidFeatures:
        """Return features that are built."""
        torch.manual_seed(seed)
        features = self.make()
        features.build(SIZES)
        return features

    def codes(self) -> Tensor:
        """Return all semantic IDs there are, (60, 3)."""
        return torch.cartesian_prod(*map(torch.arange, SIZES))

    def test_codes_of_any_shape_have_dim_features(self) -> None:
        """(..., L) int64 to (..., dim) float32, finite; also one code, and none."""
        features, codes = self.built(), self.codes()
        for shape in ((60,), (5, 12), (1, 60), (0,)):
            given = codes[: 60 if shape != (0,) else 0].reshape(*shape, len(SIZES))
            found = features(given)
            assert found.shape == (*shape, features.dim)
            assert found.dtype == torch.float32
            assert bool(found.isfinite().all())

    def test_an_item_has_its_features_in_any_order(self) -> None:
        """Other items do not matter."""
        features, codes = self.built(), self.codes()
        order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
        found = features(codes)
        assert torch.equal(features(codes[order]), found[order])
        assert torch.equal(features(codes[7]), found[7])

    def test_different_semantic_ids_are_seen_as_different(self) -> None:
        """If it needs semantic IDs at all; a hash may confuse a few."""
        features = self.built()
        if features.needs_sids:
            assert len(torch.unique(features(self.codes()), dim=0)) > 50
        else:
            assert features.dim == 0

    def test_every_parameter_gets_a_gradient(self) -> None:
        """Finite, over all semantic IDs."""
        features = self.built()
        if not features.dim:
            return
        features(self.codes()).square().sum().backward()
        for name, parameter in features.named_parameters():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.isfinite().all()), name

    def test_state_travels_in_the_state_dict(self) -> None:
        """Features of the same arguments with the state of others are the same."""
        features, copy = self.built(), self.built(seed=1)
        copy.load_state_dict(through_a_file(features.state_dict()))
        assert torch.equal(copy(self.codes()), features(self.codes()))
