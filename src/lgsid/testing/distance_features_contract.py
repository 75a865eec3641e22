"""Contract tests of features of a distance, to inherit in the tests of other packages."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.recommenders.click.distance_features import DistanceFeatures
from lgsid.testing.part_contract import PartContract, through_a_file


class DistanceFeaturesContract(PartContract):
    """Contract tests of how a ranking model sees a distance.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = DistanceFeatures

    @abstractmethod
    def make(self) -> DistanceFeatures:
        """Return new features; with the same arguments every time."""

    def made_alike(self, seed: int = 0) -> DistanceFeatures:
        """Return features whose random weights, if any, are of a seed."""
        torch.manual_seed(seed)
        return self.make()

    def km(self) -> Tensor:
        """Return 24 distances from 0 to half of the Earth's circumference, some of them unknown, float64 km."""
        some = torch.logspace(-3, math.log10(20_000), 20, dtype=torch.float64)
        return torch.cat([torch.tensor([0.0, math.nan, 0.0, math.nan], dtype=torch.float64), some])

    def test_distances_of_any_shape_have_dim_features(self) -> None:
        """(...) float64 to (..., dim) float32, finite, also where it is 0, unknown or the largest there is."""
        features, km = self.made_alike(), self.km()
        for shape in ((24,), (4, 6), (1, 24), (0,)):
            found = features(km[: 24 if shape != (0,) else 0].reshape(shape))
            assert found.shape == (*shape, features.dim)
            assert found.dtype == torch.float32
            assert bool(found.isfinite().all())

    def test_a_distance_has_its_features_in_any_order(self) -> None:
        """Other distances do not matter; equal ones have equal features, unknown ones too."""
        features, km = self.made_alike(), self.km()
        found = features(km)
        order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(features(km[order]), found[order])
        torch.testing.assert_close(features(km[5]), found[5])
        torch.testing.assert_close(found[0], found[2])
        torch.testing.assert_close(found[1], found[3])

    def test_distances_differ_and_unknown_is_none_of_them(self) -> None:
        """100 m, 1 km, 10 km and unknown have different features, if there are any."""
        features = self.made_alike()
        if features.dim:
            found = features(torch.tensor([0.1, 1.0, 10.0, math.nan, 0.0], dtype=torch.float64))
            apart = (found[:, None] - found[None]).norm(dim=-1) + torch.eye(5)
            assert float(apart.min().detach()) > 1e-4

    def test_every_parameter_gets_a_gradient(self) -> None:
        """Finite, also with unknown distances in the batch."""
        features = self.made_alike()
        parameters = dict(features.named_parameters())
        if parameters:
            features(self.km()).square().sum().backward()
        for name, parameter in parameters.items():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.isfinite().all()), name

    def test_state_travels_in_the_state_dict(self) -> None:
        """Features of the same arguments with the state of others are the same."""
        features, copy = self.made_alike(), self.made_alike(seed=1)
        copy.load_state_dict(through_a_file(features.state_dict()))
        assert torch.equal(copy(self.km()), features(self.km()))
