"""The first code that sees the item vectors, too: what the weight means, and that it reaches the codes."""

from dataclasses import replace

import lightning as L
import numpy as np
import pytest
import torch

from lgsid.artefacts import Dataset, Embeddings, Interactions
from lgsid.errors import LgsidError
from lgsid.quantizers import RQKMeans
from lgsid.testing import toy_city
from lgsid.testing.tokenizer_contract import toy_items
from lgsid.tokenizers import HierTokenizer, hier_tokenizer, tokenize

WEIGHT = 1.7


def fitted(weight, items, shape, **options):
    tokenizer = HierTokenizer((8, 4, 3), RQKMeans(), vector_weight=weight, **options)
    tokenizer.ensure_built(shape)
    with torch.no_grad():
        tokenizer.fit_codebooks(items)
    return tokenizer


@pytest.fixture(scope="module")
def toy():
    data = toy_items()
    return data.items_by_id, data.shape


def other_vectors(items):
    """The same items, the vectors of which another encoder made."""
    generator = torch.Generator().manual_seed(3)
    return replace(items, embedding=torch.randn(items.embedding.shape, generator=generator))


def test_other_vectors_change_the_first_code_only_with_a_weight(toy):
    items, shape = toy
    first = {
        weight: [fitted(weight, given, shape).primary(given) for given in (items, other_vectors(items))]
        for weight in (0.0, WEIGHT)
    }
    assert torch.equal(*first[0.0])
    assert not torch.equal(*first[WEIGHT])


def test_without_a_weight_nothing_of_it_is_kept(toy):
    without, with_vectors = (fitted(weight, *toy) for weight in (0.0, WEIGHT))
    assert set(with_vectors.state_dict()) - set(without.state_dict()) == {"projection"}
    assert with_vectors.centres.shape[1] - without.centres.shape[1] == with_vectors.projection.shape[1]
    assert torch.equal(without.fused(toy[0]), with_vectors.fused(toy[0])[:, : without.centres.shape[1]])


@pytest.mark.parametrize("normalize", [True, False])
def test_two_random_items_are_the_weight_apart(toy, normalize):
    items, shape = toy
    tokenizer = fitted(WEIGHT, items, shape, normalize=normalize)
    components = tokenizer.components(items).double()
    apart = torch.cdist(components, components).square().mean().sqrt()
    assert float(apart) == pytest.approx(WEIGHT, rel=1e-5)
    vectors = tokenizer.vectors(items).double()  # no wider than the components: distances keep their ratios
    ratio = torch.cdist(vectors, vectors).square().mean().sqrt() / apart
    torch.testing.assert_close(torch.cdist(components, components) * ratio, torch.cdist(vectors, vectors))


def test_of_wide_vectors_the_first_principal_components_are_kept(toy, monkeypatch):
    items, shape = toy
    monkeypatch.setattr(hier_tokenizer, "COMPONENTS", 3)
    tokenizer = fitted(WEIGHT, items, shape)
    components, vectors = tokenizer.components(items).double(), tokenizer.vectors(items).double()
    left, values, _ = torch.linalg.svd(vectors, full_matrices=False)
    expected = left[:, :3] * values[:3]
    expected *= WEIGHT / (2 * expected.square().sum(dim=1).mean()).sqrt()
    torch.testing.assert_close(components @ components.T, expected @ expected.T, atol=1e-5, rtol=1e-4)


def test_distances_are_those_of_the_fused_vectors(toy):
    items, _ = toy
    tokenizer = fitted(WEIGHT, *toy)
    distances = torch.cdist(tokenizer.fused(items).double(), tokenizer.centres.double()).square()
    torch.testing.assert_close(tokenizer.primary_distances(items), distances, atol=1e-9, rtol=1e-6)


def test_vectors_that_do_not_differ_do_not_harm(toy):
    items, shape = toy
    same = replace(items, embedding=torch.ones_like(items.embedding))
    assert torch.equal(fitted(WEIGHT, same, shape).primary(same), fitted(0.0, items, shape).primary(items))


def test_new_items_get_codes_from_a_checkpoint(tmp_path):
    data = toy_items()
    tokenizer = HierTokenizer((8, 4, 3), RQKMeans(), vector_weight=WEIGHT)
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.fit(tokenizer, data)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    items = toy_city(seed=5).items.take(np.arange(20))
    nobody = Interactions(toy_city().interactions.frame[:0])
    Dataset(items, nobody, {}).write(tmp_path / "new")
    ids = Dataset.read(tmp_path / "new").items.ids
    vectors = np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32)
    Embeddings(ids, vectors).write(tmp_path / "new.parquet")
    found = tokenize(tmp_path / "model.ckpt", tmp_path / "new", tmp_path / "new.parquet", tmp_path / "out")
    expected = tokenizer.tokenize(Dataset.read(tmp_path / "new"), vectors)
    assert np.array_equal(found.codes, expected.codes)
    batch = tokenizer.batch_of(Dataset.read(tmp_path / "new").items, vectors)
    first = torch.cdist(tokenizer.fused(batch).double(), tokenizer.centres.double()).argmin(dim=1)
    assert found.codes[:, 0].tolist() == first.tolist()


@pytest.mark.parametrize("name", ["geo_weight", "vector_weight"])
@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_weights_that_are_none_are_one_line(name, weight):
    with pytest.raises(LgsidError, match=f"HierTokenizer: {name} must be a number from 0 up, got {weight}"):
        HierTokenizer((8, 4), **{name: weight})


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
