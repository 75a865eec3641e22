"""PlaceGenerator: the mixture, the evidence in the tree, and its training."""

import lightning as L
import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import SemanticIDs
from lgsid.datamodules import SequenceData
from lgsid.functional.ranking import NEVER
from lgsid.recommenders import EvidenceNetwork, HistoryCopy, PlaceGenerator
from lgsid.recommenders.generative.evidence_mass import EvidenceMass
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.testing import quiet_trainer, toy_city

N = 60
T5 = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
CODES = {
    "unique": (np.stack([np.arange(N) % 4, np.arange(N) // 4 % 5, np.arange(N)], 1), (4, 5, N)),
    "colliding": (np.stack([np.arange(N) % 5, np.arange(N) // 5 % 4], 1), (5, 4)),
}


def make(kind="unique", **options):
    L.seed_everything(0, verbose=False)
    dataset = toy_city(n_checkins=900)
    codes, sizes = CODES[kind]
    sids = SemanticIDs(np.array(dataset.items.ids, dtype=object), codes.astype(np.int64), sizes)
    data = SequenceData(dataset, sids, batch_size=64)
    data.setup()
    model = PlaceGenerator(
        T5, HistoryCopy(8, 4), EvidenceNetwork(hidden=8, negatives=20), encoder_history=5, user_buckets=3, **options
    )
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval(), data


def test_masses_are_sums_over_the_items_below():
    codes = torch.tensor([[1, 0], [0, 2], [1, 0], [0, 0], [1, 1], [0, 2], [2, 0]])
    trie = ItemTrie(codes)
    scores = torch.randn(3, 7, generator=torch.Generator().manual_seed(0)) * 3
    scores[1, 6] = NEVER
    mass, expected = EvidenceMass(scores, trie), scores.softmax(1)
    query = torch.arange(3)
    for depth, level in enumerate(trie.levels):
        for node in range(len(level.code)):
            found = mass.between(query, level.start[node].expand(3), level.end[node].expand(3))
            below = trie.path[:, depth] == node
            assert torch.allclose(found.float(), expected[:, below].sum(1), atol=1e-6)
            assert (found == 0).tolist() == (expected[:, below] == 0).all(1).tolist()


@torch.no_grad()
@pytest.mark.parametrize("kind", list(CODES))
def test_the_probability_is_the_mixture_of_three(kind):
    model, data = make(kind)
    batch = data.batch(data.queries("test")[:9])
    encoded, visits = model.encode_queries(batch), Visits.of(batch.history)
    copied = model.point(batch, visits, encoded.query_state)
    pointing, evidence, tiger = (w.exp() for w in model.log_weights(batch, visits, encoded.query_state, copied))
    assert torch.allclose(pointing + evidence + tiger, torch.ones(9), atol=1e-5)
    new = model.evidence.scores(batch, model.catalogue).softmax(1)
    for item in range(N):
        items = torch.full_like(batch.user, item)
        pointed = (copied.log_attention.exp() * (batch.history == item)).sum(1)
        expected = pointing * pointed + evidence * new[:, item]
        expected = expected + tiger * model.generator_log_prob(items, encoded).exp()
        assert torch.allclose(model.item_log_prob(batch, items).exp(), expected, atol=1e-6)
        assert (new[(batch.history == item).any(1), item] == 0).all()


def test_evidence_learns_from_its_own_loss_only():
    model, data = make()
    rows = data.queries("train")
    batch = data.batch(rows[:60])
    L.seed_everything(3, verbose=False)
    model.training_step(batch, 0).backward()
    found = [p.grad.clone() for p in model.evidence.parameters()]
    assert all(p.grad.abs().sum() > 0 for p in model.new_gate.parameters())
    model.zero_grad()
    new = batch.take((batch.history != batch.target[:, None]).all(1))
    assert 0 < len(new) < 60
    L.seed_everything(3, verbose=False)
    model.evidence.loss(new, model.catalogue).backward()
    for mine, alone in zip(found, model.evidence.parameters(), strict=True):
        assert torch.allclose(mine, alone.grad, atol=1e-6)


def test_it_learns_and_the_checkpoint_keeps_it(tmp_path):
    model, data = make()
    trainer = quiet_trainer(max_epochs=4)
    trainer.fit(model, data)
    found = trainer.test(model, data, verbose=False)[0]
    assert found["test/explore/hit@10"] > 0.3
    assert found["test/hit@10"] > 0.3
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt", PlaceGenerator)
    batch = data.batch(data.queries("test")[:8])
    kept, again = model.rank(batch, 5), loaded.rank(batch, 5)
    assert torch.equal(kept.items, again.items)
    assert torch.allclose(kept.scores, again.scores, atol=1e-5)
