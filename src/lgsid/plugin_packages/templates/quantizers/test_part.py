"""PartName keeps the contract of a quantizer, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import QuantizerContract


class TestPartName(QuantizerContract):
    bad_arguments = ({"codebook_sizes": [0]},)

    def make(self):
        return PartName([7, 5, 3])


def test_every_level_finds_the_nearest_centroid_of_its_part():
    quantizer, x = PartName([4, 3]), torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    quantizer.build(5)
    quantizer.fit(x)
    for row, codes in zip(x, quantizer.encode(x).tolist(), strict=True):
        for part, centroids, code in zip((row[:3], row[3:]), quantizer.centroids, codes, strict=True):
            distances = [float((part - centroid).square().sum()) for centroid in centroids]
            assert code == distances.index(min(distances))
