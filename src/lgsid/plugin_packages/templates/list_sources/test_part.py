"""PartName keeps the contract of a source of lists, and does what it says."""

from part_package import PartName

from lgsid.testing import ListSourceContract


class TestPartName(ListSourceContract):
    def make(self):
        return PartName()

    def test_labels_tell_the_category(self):
        dataset = self.dataset()
        kind = dataset.items.frame["category"].tolist()
        batch, _ = self.drawn(dataset)
        for places, labels in zip(batch.candidate.tolist(), batch.label.tolist(), strict=True):
            assert labels[1:] == [float(kind[place] == kind[places[0]]) for place in places[1:]]
