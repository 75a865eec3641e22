import numpy as np
import pytest
import torch
from lgsid_faiss import IVFNeighbors

from lgsid import plugins
from lgsid.errors import LgsidError
from lgsid.metrics import NeighborhoodMetrics
from lgsid.neighbors import ExactNeighbors
from lgsid.testing import NeighborIndexContract


class TestContract(NeighborIndexContract):
    recall = 0.97

    def make(self):
        return IVFNeighbors()


class TestContractOfAllCells(NeighborIndexContract):
    def make(self):
        return IVFNeighbors(n_lists=30, n_probe=30)


class TestContractOfOneProbe(NeighborIndexContract):
    recall = 0.7

    def make(self):
        return IVFNeighbors(n_lists=40, n_probe=1)


def clumps(n=1500, dim=24):
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(60, dim, generator=generator)
    return centers[torch.randint(60, (n,), generator=generator)] + 1.5 * torch.randn(n, dim, generator=generator)


def test_more_probes_find_more_until_they_find_all():
    vectors = clumps()
    exact = ExactNeighbors().nearest(vectors, 10)
    recall = []
    for n_probe in (1, 4, 16, 55):
        found = IVFNeighbors(n_lists=55, n_probe=n_probe).nearest(vectors, 10)
        recall.append(float((found[:, :, None] == exact[:, None]).any(2).double().mean()))
    assert recall == sorted(recall)
    assert recall[0] < 0.95
    assert recall[3] > 0.9999


def test_what_is_found_is_the_best_of_the_cells_that_were_looked_into():
    vectors = clumps(500)
    unit = torch.nn.functional.normalize(vectors, dim=1).numpy()
    index = IVFNeighbors(n_lists=12, n_probe=3)
    inner = index.index(unit)
    cell = inner.quantizer.search(unit, 1)[1][:, 0]
    probed = inner.quantizer.search(unit, 3)[1]
    found = index.nearest(vectors, 6)
    cosine = unit.astype(np.float64) @ unit.T.astype(np.float64)
    for row in range(0, 500, 37):
        inside = [j for j in np.flatnonzero(np.isin(cell, probed[row])) if j != row]
        expected = sorted(inside, key=lambda j, row=row: -cosine[row, j])[:6]
        assert found[row].tolist() == expected


def test_metrics_of_neighborhoods_take_it():
    vectors, codes = clumps(400), torch.randint(1, 4, (400,), generator=torch.Generator().manual_seed(1))
    place = (codes[:, None], codes, torch.zeros(400).double(), torch.arange(400).double() / 1e3)
    results = []
    for index in (ExactNeighbors(), IVFNeighbors(n_lists=20, n_probe=20), IVFNeighbors(n_lists=20, n_probe=1)):
        metric = NeighborhoodMetrics(5, index)
        metric.update(vectors, *place)
        results.append(float(metric.compute()["median_km@5"]))
    assert results[0] == results[1]
    assert results[0] != results[2]


@pytest.mark.parametrize("options", [{"n_lists": 0}, {"n_probe": 0}])
def test_wrong_options(options):
    with pytest.raises(LgsidError, match="IVFNeighbors: n_lists and n_probe must be positive"):
        IVFNeighbors(**options)


def test_vectors_that_are_not_finite():
    with pytest.raises(LgsidError, match="a vector is not finite"):
        IVFNeighbors().nearest(torch.full((5, 3), torch.inf), 2)


def test_it_is_listed_and_has_its_short_name():
    assert {p.name: p for p in plugins.available("neighbor_indexes")}["IVFNeighbors"].distribution == "lgsid-faiss"
    assert plugins.load()["neighbor_indexes"]["IVFNeighbors"] is IVFNeighbors
