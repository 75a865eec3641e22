"""Contract tests of what is known of the places below a prefix, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules.sequence_data import SequenceData
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.generative.node_logits import NodeLogits
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children
from lgsid.testing.evidence_contract import WIDTH as VECTOR_WIDTH
from lgsid.testing.evidence_contract import without_future
from lgsid.testing.part_contract import PartContract
from lgsid.testing.toy_city import toy_city
from lgsid.typing import DataShape

WIDTH = 12  # of the generator's states


class NodeLogitsContract(PartContract):
    """Contract tests of logits of nodes.

    Derive a class whose name starts with `Test` and give it `make`.
    """

    base = NodeLogits

    @abstractmethod
    def make(self) -> NodeLogits:
        """Return a new part, not built yet."""

    def data(self) -> SequenceData:
        """Return a tiny city whose items have vectors and semantic IDs of two levels, some of them shared."""
        dataset = toy_city()
        row = np.arange(len(dataset.items))
        made = SequenceData(dataset, SemanticIDs(dataset.items.ids, np.stack([row % 4, row // 4 % 5], 1), (4, 5)))
        made.setup()
        vectors = np.random.default_rng(0).normal(size=(len(row), VECTOR_WIDTH))
        made.embeddings = vectors.astype(np.float32)
        return made

    def shape(self, data: SequenceData) -> DataShape:
        """Return the sizes of the data, vectors included."""
        return replace(data.shape, embedding_dim=VECTOR_WIDTH)

    def built(self, data: SequenceData) -> tuple[NodeLogits, Catalogue]:
        """Return the part with what it takes from the data, and the catalogue."""
        torch.manual_seed(0)
        part, catalogue = self.make(), Catalogue(data.shape)
        part.build(self.shape(data), WIDTH)
        catalogue.fill(data)
        part.take(data)
        return part, catalogue

    def logits(
        self, part: NodeLogits, catalogue: Catalogue, data: SequenceData, rows: npt.NDArray[np.int64]
    ) -> list[tuple[Children, Tensor]]:
        """Return, by depth, all nodes for each of the queries at rows (B,) of the log, and what is added to each."""
        batch = sequence_batch(data.log, rows)
        state = torch.stack([torch.sin(torch.arange(WIDTH) * (1.0 + row)) for row in rows.tolist()])
        say, trie, found = part(batch, Visits.of(batch.history), state, catalogue), catalogue.trie, []
        for depth, n in enumerate(trie.n_nodes[:-1]):
            children = trie.children(
                depth, torch.arange(n).repeat(len(rows)), torch.arange(len(rows)).repeat_interleave(n)
            )
            found.append((children, say(depth, children)))
        return found

    def test_there_is_a_finite_logit_of_each_child(self) -> None:
        """Also for somebody without a past."""
        data = self.data()
        rows = np.flatnonzero((data.log.n_before == 0) | (data.log.split == "test"))[:40]
        for children, logits in self.logits(*self.built(data), data, rows):
            assert logits.shape == children.node.shape
            assert logits.dtype == torch.float32
            assert bool(logits.isfinite().all())

    def test_a_query_alone_hears_what_it_hears_among_others(self) -> None:
        """Rows of a batch do not know each other, and neither do children."""
        data = self.data()
        part, catalogue = self.built(data)
        rows = data.queries("train")[::47]
        together = self.logits(part, catalogue, data, rows)
        for at, row in enumerate(rows):
            for (children, logits), (_, alone) in zip(
                together, self.logits(part, catalogue, data, np.array([row])), strict=True
            ):
                torch.testing.assert_close(logits[children.query == at], alone, rtol=1e-4, atol=1e-4)

    def test_a_few_children_hear_what_all_of_them_hear(self) -> None:
        """However many are asked for at a time."""
        data = self.data()
        part, catalogue = self.built(data)
        batch = sequence_batch(data.log, data.queries("test")[:5])
        say = part(batch, Visits.of(batch.history), torch.zeros(5, WIDTH), catalogue)
        for depth, (children, _) in enumerate(self.logits(part, catalogue, data, data.queries("test")[:5])):
            torch.testing.assert_close(
                say(depth, children.take(torch.tensor([1, 0]))), say(depth, children)[[1, 0]], rtol=1e-4, atol=1e-5
            )

    def test_a_training_query_hears_nothing_of_what_its_user_did_from_then_on(self) -> None:
        """Its logits are those of a log in which the user's check-ins end before the query."""
        data = self.data()
        part, catalogue = self.built(data)
        for row in data.queries("train")[[3, 40, 111, 180]]:
            past, at = without_future(data, int(row))
            honest = Catalogue(data.shape)
            past.sids, past.codes = data.sids, data.codes
            honest.fill(past)
            # the state is of the row's number, so both are asked with that of the row in the whole log
            whole, less = sequence_batch(data.log, np.array([row])), sequence_batch(past.log, np.array([at]))
            state, trie = torch.ones(1, WIDTH), catalogue.trie
            say = part(whole, Visits.of(whole.history), state, catalogue)
            expected = part(less, Visits.of(less.history), state, honest)
            for depth, n in enumerate(trie.n_nodes[:-1]):
                children = trie.children(depth, torch.arange(n), torch.zeros(n, dtype=torch.int64))
                torch.testing.assert_close(say(depth, children), expected(depth, children), rtol=1e-4, atol=1e-4)

    def test_every_parameter_gets_a_gradient(self) -> None:
        """From a loss in which nodes compete with each other."""
        data = self.data()
        part, catalogue = self.built(data)
        found = self.logits(part, catalogue, data, data.queries("train")[50:60])
        torch.stack([logits.square().sum() for _, logits in found]).sum().backward()  # type: ignore[no-untyped-call]
        for name, parameter in part.named_parameters():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.isfinite().all()), name
            assert float(parameter.grad.abs().sum()) > 0, name

    def test_a_checkpoint_brings_all_back(self) -> None:
        """Buffers of any size among it."""
        data = self.data()
        part, catalogue = self.built(data)
        other = self.make()
        other.build(self.shape(data), WIDTH)
        other.load_state_dict(part.state_dict())
        rows = data.queries("test")[:6]
        fresh = Catalogue(data.shape)
        fresh.load_state_dict(catalogue.state_dict())
        for (_, one), (_, two) in zip(
            self.logits(part, catalogue, data, rows), self.logits(other, fresh, data, rows), strict=True
        ):
            assert torch.equal(one, two)
