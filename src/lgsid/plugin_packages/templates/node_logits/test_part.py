"""PartName keeps the contract of logits of nodes, and does what it says."""

import torch
from part_package import PartName

from lgsid.testing import NodeLogitsContract


class TestPartName(NodeLogitsContract):
    def make(self):
        return PartName()

    def test_alone_it_makes_all_places_equally_probable(self):
        data = self.data()
        part, catalogue = self.built(data)
        trie, log_prob = catalogue.trie, torch.zeros(1)
        for depth, (children, logits) in enumerate(self.logits(part, catalogue, data, data.queries("test")[:1])):
            siblings = torch.zeros(trie.n_nodes[depth]).index_add(0, children.parent, logits.detach().exp())
            log_prob = log_prob[children.parent] + logits.detach() - siblings.log()[children.parent]
        torch.testing.assert_close(log_prob.exp(), torch.full((len(catalogue),), 1 / len(catalogue)))
