"""PartName keeps the contract of an interest extractor, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import InterestExtractorContract


class TestPartName(InterestExtractorContract):
    bad_arguments = ({"width": 0},)

    def make(self):
        return PartName()

    def test_the_mean_against_a_loop(self):
        extractor, inputs = self.built(), self.inputs()
        found = extractor(inputs).vector
        for b in (0, 2, 3):
            mean = torch.stack([e for e, real in zip(inputs.event[b], inputs.mask[b], strict=True) if real]).mean(0)
            expected = extractor.of_history(mean) * extractor.of_candidate(inputs.candidate[b, 1])
            torch.testing.assert_close(found[b, 1], expected)
