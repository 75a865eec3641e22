"""PartName keeps the contract of a recommender, and does what it says."""

from dataclasses import replace

import torch
from part_package import PartName

from lgsid.datamodules import SequenceData
from lgsid.testing import RecommenderContract, toy_city


class TestPartName(RecommenderContract):
    bad_arguments = ({"scale_km": 0.0},)

    def make(self):
        return self.built(PartName(), SequenceData(toy_city()))

    def test_without_a_past_it_is_popularity(self):
        model, data = self.make()
        batch = self.queries(data.log)
        nobody = replace(batch, history=torch.full_like(batch.history, -1))
        best = model.rank(nobody, 1).items[:, 0]
        assert bool((model.catalogue.count[best] == model.catalogue.count.max()).all())
