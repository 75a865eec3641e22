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
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.testing import toy_city

N = 60
T5 = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
TRAINER = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "accelerator": "cpu",
}
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
    mass = EvidenceMass(scores, trie)
    for depth in range(3):
        nodes = torch.arange(trie.n_nodes[depth]).expand(3, -1)
        children = trie.children(depth, nodes)
        found = mass.log_mass(depth, children)
        for at, (row, node) in enumerate(zip(children.query.tolist(), children.node.tolist(), strict=True)):
            below = scores[row, trie.path[:, depth + 1] == node]
            shift = 0.0 if depth == 2 else float(scores[row].max())
            if (below == NEVER).all():
                assert found[at] == NEVER
            else:
                assert float(found[at]) == pytest.approx(float(below.logsumexp(0)) - shift, abs=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("kind", list(CODES))
def test_without_what_the_decoder_says_new_places_have_the_soft_max_of_their_evidence(kind):
    model, data = make(kind)
    model.t5.shared.weight.zero_()
    batch = data.batch(data.queries("test")[:9])
    encoded, added = model.encode_queries(batch), model.child_logits(batch)
    expected = model.evidence.scores(batch, model.catalogue).log_softmax(1)
    for item in range(N):
        found = model.generator_log_prob(torch.full_like(batch.user, item), encoded, added)
        new = (batch.history != item).all(1)
        assert torch.allclose(found[new], expected[new, item], atol=1e-3)
        assert (found[~new] < -100).all()


@torch.no_grad()
def test_the_likelihood_falls_into_gate_pointer_and_generator():
    model, data = make()
    rows = data.queries("train")[:40]
    batch = data.batch(rows)
    L.seed_everything(3, verbose=False)
    loss = model.training_step(batch, 0)
    L.seed_everything(3, verbose=False)
    new = batch.take((batch.history != batch.target[:, None]).all(1))
    own = model.evidence.loss(new, model.catalogue)
    expected = own - model.item_log_prob(batch, batch.target).mean()
    assert float(loss) == pytest.approx(float(expected), abs=1e-3)


def test_evidence_learns_from_its_own_loss_only():
    model, data = make()
    rows = data.queries("train")
    batch = data.batch(rows[data.log.is_new[rows]][:30])
    L.seed_everything(3, verbose=False)
    model.training_step(batch, 0).backward()
    found = [p.grad.clone() for p in model.evidence.parameters()]
    model.zero_grad()
    L.seed_everything(3, verbose=False)
    model.evidence.loss(batch, model.catalogue).backward()
    for mine, alone in zip(found, model.evidence.parameters(), strict=True):
        assert torch.allclose(mine, alone.grad, atol=1e-6)


def test_it_learns_and_the_checkpoint_keeps_it(tmp_path):
    model, data = make()
    trainer = L.Trainer(**TRAINER, max_epochs=4)
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
