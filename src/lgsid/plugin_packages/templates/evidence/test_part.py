"""PartName keeps the contract of evidence, and does what it says."""

import numpy as np
from part_package import PartName

from lgsid.testing import EvidenceContract


class TestPartName(EvidenceContract):
    def make(self):
        return PartName()

    def test_the_column_of_the_finest_level_is_the_region_of_the_last_place(self):
        data = self.data()
        items = data.dataset.items
        region = items.frame[items.region_columns[-1]].tolist()
        rows = np.flatnonzero(data.log.n_before > 0)[:5]
        found = self.columns(self.counted(data), data, rows)[:, :, -1]
        for row, column in zip(rows, found.tolist(), strict=True):
            last = data.log.item[data.log.history(np.array([row]), 1)[0, -1]]
            assert column == [float(name == region[last] and bool(name)) for name in region]
