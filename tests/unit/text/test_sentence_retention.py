"""The graded sentences, and what an adapter leaves of their order, against plain loops."""

import numpy as np
import pytest
import torch

from lgsid.testing import tiny_encoder
from lgsid.text import LoraSpec, TextEncoder, sentence_pairs, sentence_retention
from lgsid.text.sentence_retention import correlation

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_encoder("bert", tmp_path_factory.mktemp("model"))


def mean_ranks(values):
    return np.array([sum(v < own for v in values) + (sum(v == own for v in values) + 1) / 2 for own in values])


def slow_correlation(first, second):
    return np.corrcoef(mean_ranks(first), mean_ranks(second))[0, 1]


def cosines(encoder, first, second):
    pairs = [encoder.encode(pair, use_cache=False).double().numpy() for pair in zip(first, second, strict=True)]
    return np.array([a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs])


def test_the_set_is_graded_evenly_and_holds_no_sentence_twice():
    first, second, grades = sentence_pairs()
    assert np.unique(grades, return_counts=True)[1].tolist() == [14] * 6
    assert len({*first, *second}) == 2 * len(grades)
    assert all(text[-1] in ".?" and text[0].isupper() for text in (*first, *second))


def test_correlation_is_that_of_mean_ranks():
    rng = np.random.default_rng(0)
    first, second = rng.random(30), rng.integers(0, 4, 30).astype(float)  # many ties
    assert correlation(first, second) == pytest.approx(slow_correlation(first, second))
    assert correlation(first, np.ones(30)) == 0


def test_an_adapter_that_does_nothing_keeps_everything(folder):
    for lora in (None, LoraSpec(rank=2)):
        found = sentence_retention(TextEncoder(folder, autocast="float32", lora=lora))
        assert found["spearman"] == found["reference_spearman"]
        assert found["agreement"] == pytest.approx(1)


def test_the_numbers_are_those_of_pairs_encoded_one_by_one(folder):
    encoder = TextEncoder(folder, autocast="float32", lora=LoraSpec(rank=2)).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in encoder.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape, generator=generator)
    first, second, grades = sentence_pairs()
    after = cosines(encoder, first, second)
    with encoder.reference():
        before = cosines(encoder, first, second)
    found = sentence_retention(encoder)
    assert found["spearman"] == pytest.approx(slow_correlation(after, grades), abs=1e-3)
    assert found["reference_spearman"] == pytest.approx(slow_correlation(before, grades), abs=1e-3)
    assert found["agreement"] == pytest.approx(slow_correlation(after, before), abs=1e-3)
    assert found["agreement"] < 0.9  # the adapter did something
    if found["reference_spearman"] > 0:
        assert found["retention"] == pytest.approx(found["spearman"] / found["reference_spearman"])
    else:
        assert "retention" not in found
