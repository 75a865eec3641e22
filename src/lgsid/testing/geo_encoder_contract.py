"""Contract tests of geo encoders, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lgsid.geo.geo_encoder import GeoEncoder
from lgsid.testing.part_contract import PartContract, through_a_file

METERS_PER_DEGREE = 111_195.0


class GeoEncoderContract(PartContract):
    """Contract tests of a geo encoder.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = GeoEncoder
    resolution_m = 50.0  # places this far apart must differ

    @abstractmethod
    def make(self) -> GeoEncoder:
        """Return a new encoder; with the same arguments every time."""

    def positions(self) -> tuple[Tensor, Tensor]:
        """Return places within some 20 km of a city's center, (N,) float64 degrees each."""
        generator = torch.Generator().manual_seed(0)
        offset = 0.1 * torch.randn(200, 2, generator=generator, dtype=torch.float64)
        return 40.73 + offset[:, 0], -73.99 + offset[:, 1]

    def fitted(self) -> tuple[GeoEncoder, Tensor, Tensor]:
        """Return a fitted encoder and the positions."""
        encoder, (lat, lon) = self.make(), self.positions()
        encoder.fit(lat, lon)
        return encoder, lat, lon

    def test_shape_and_type(self) -> None:
        """Vectors are float32, finite, of width `dim`, for positions of any shape, also none."""
        encoder, lat, lon = self.fitted()
        for shape in ((200,), (20, 10), (0,)):
            out = encoder(
                lat[: 200 if shape != (0,) else 0].reshape(shape), lon[: 200 if shape != (0,) else 0].reshape(shape)
            )
            assert out.shape == (*shape, encoder.dim)
            assert out.dtype == torch.float32
            assert bool(out.isfinite().all())

    def test_places_next_door_differ(self) -> None:
        """A step of `resolution_m` north or east changes the vector, well above rounding, from every place."""
        encoder, lat, lon = self.fitted()
        here = encoder(lat, lon).double()
        step = self.resolution_m / METERS_PER_DEGREE
        for moved in (encoder(lat + step, lon), encoder(lat, lon + step / torch.deg2rad(lat).cos())):
            assert float((moved.double() - here).norm(dim=-1).min()) > 1e-3

    def test_near_places_are_nearer_than_far_ones(self) -> None:
        """On average, places 100 m away have nearer vectors than places 10 km away."""
        encoder, lat, lon = self.fitted()
        here = encoder(lat, lon).double()
        near, far = (encoder(lat + meters / METERS_PER_DEGREE, lon).double() for meters in (100.0, 10_000.0))
        assert float((near - here).norm(dim=-1).mean()) < float((far - here).norm(dim=-1).mean())

    def test_the_whole_earth_is_allowed(self) -> None:
        """Poles and the date line give finite vectors, and both names of the date line the same one."""
        encoder, _, _ = self.fitted()
        lat = torch.tensor([90.0, -90.0, 0.0, 12.0, 12.0], dtype=torch.float64)
        lon = torch.tensor([0.0, 0.0, 0.0, 180.0, -180.0], dtype=torch.float64)
        out = encoder(lat, lon)
        assert bool(out.isfinite().all())
        torch.testing.assert_close(out[3], out[4], atol=1e-3, rtol=1e-3)

    def test_same_arguments_same_vectors(self) -> None:
        """Two encoders of the same arguments and positions agree, and state travels in the state dict."""
        (one, lat, lon), (other, _, _) = self.fitted(), self.fitted()
        assert torch.equal(one(lat, lon), other(lat, lon))
        copy = self.make()
        copy.load_state_dict(through_a_file(one.state_dict()))
        assert torch.equal(copy(lat, lon), one(lat, lon))
