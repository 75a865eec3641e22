"""Alignment by lists: relevances against loops and closed forms, and the loss of a batch."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lgsid.alignment import (
    ContentRelevance,
    DistanceRelevance,
    EncodedPairs,
    ListwiseRelevance,
    NextVisitRelevance,
    Relevance,
    RewardRelevance,
)
from lgsid.errors import LgsidError
from lgsid.rewards import RewardModel
from lgsid.text import LoraSpec, TextEncoder

from .test_pair_samplers import city

ROWS = torch.tensor([7, 3, 11, 20, 5])


class Given(Relevance):
    """Relevance from a matrix over all items."""

    def __init__(self, matrix):
        self.matrix = matrix

    def fit(self, dataset, encoder):
        """Nothing to index."""

    def between(self, rows, reference):
        return self.matrix[rows][:, rows]


@pytest.fixture(scope="module")
def dataset():
    return city(n=60)


@pytest.fixture
def encoder(tiny_bert):
    return TextEncoder(tiny_bert, lora=LoraSpec(rank=2), autocast="float32")


def encoded(seed=0, dim=8):
    generator = torch.Generator().manual_seed(seed)
    policy, reference = torch.randn(2, 5, dim, generator=generator, dtype=torch.float64)
    return EncodedPairs(ROWS, policy, reference, torch.tensor([0, 1]), torch.tensor([[2, 3], [4, 0]]))


def matrix(seed=3):
    return torch.rand(60, 60, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_loss_is_the_loop_over_places():
    first, second, pairs = matrix(3), matrix(4), encoded()
    value, gain = ListwiseRelevance([Given(first), Given(second)], [1.0, 0.5], 0.2, 0.3).of(pairs)
    expected = 0.0
    for i in range(5):
        others = [j for j in range(5) if j != i]
        grade = [math.exp(float(first[ROWS[i], ROWS[j]] + 0.5 * second[ROWS[i], ROWS[j]]) / 0.3) for j in others]
        cosine = [math.exp(float(F.cosine_similarity(pairs.policy[i], pairs.policy[j], dim=0)) / 0.2) for j in others]
        expected -= sum(g / sum(grade) * math.log(c / sum(cosine)) for g, c in zip(grade, cosine, strict=True)) / 5
    assert value.item() == pytest.approx(expected)
    cosine, reference = (F.normalize(v) @ F.normalize(v).T for v in (pairs.policy, pairs.reference))
    raised = cosine - reference
    torch.testing.assert_close(gain, torch.stack([raised[0, 2] - raised[0, 3], raised[1, 4] - raised[1, 0]])[:, None])


def test_the_loss_is_least_where_cosines_are_ordered_as_asked():
    pairs = encoded()
    cosine = torch.zeros(60, 60, dtype=torch.float64)
    unit = F.normalize(pairs.policy)
    cosine[ROWS[:, None], ROWS] = unit @ unit.T
    policy = pairs.policy.clone().requires_grad_()
    loss = ListwiseRelevance([Given(cosine)], temperature=0.1, relevance_temperature=0.1)
    loss.of(EncodedPairs(ROWS, policy, pairs.reference, pairs.anchor, pairs.candidates))[0].backward()
    assert policy.grad.abs().max() < 1e-12
    other = policy.detach().clone().requires_grad_()
    ListwiseRelevance([Given(matrix())]).of(EncodedPairs(ROWS, other, pairs.reference, pairs.anchor, pairs.candidates))[
        0
    ].backward()
    assert other.grad.abs().max() > 1e-3


def test_the_order_of_places_is_irrelevant_and_the_reference_gets_no_gradient():
    pairs, order = encoded(), torch.tensor([3, 0, 4, 2, 1])
    loss = ListwiseRelevance([Given(matrix())])
    where = order.argsort()
    reference = pairs.reference.clone().requires_grad_()
    moved = EncodedPairs(
        ROWS[order],
        pairs.policy[order].requires_grad_(),
        reference[order],
        where[pairs.anchor],
        where[pairs.candidates],
    )
    value, gain = loss.of(moved)
    torch.testing.assert_close(value, loss.of(pairs)[0])
    torch.testing.assert_close(gain, loss.of(pairs)[1])
    value.backward()
    assert reference.grad is None
    assert not gain.requires_grad


def test_nearness_is_the_mean_of_exponentials(dataset, encoder):
    relevance = DistanceRelevance([0.5, 2.0])
    relevance.fit(dataset, encoder)
    found = relevance.between(ROWS, torch.zeros(5, 8))
    lat, lon = np.radians(dataset.items.lat_deg[ROWS]), np.radians(dataset.items.lon_deg[ROWS])
    for i in range(5):
        for j in range(5):
            chord = math.sin((lat[i] - lat[j]) / 2) ** 2
            chord += math.cos(lat[i]) * math.cos(lat[j]) * math.sin((lon[i] - lon[j]) / 2) ** 2
            km = 2 * 6371.0088 * math.asin(math.sqrt(chord))
            assert found[i, j].item() == pytest.approx((math.exp(-km / 0.5) + math.exp(-km / 2)) / 2, abs=1e-6)


def test_meaning_is_of_the_content_before_training(dataset, encoder):
    relevance = ContentRelevance("{category}")
    relevance.fit(dataset, encoder)
    found = relevance.between(ROWS, torch.zeros(5, 8))
    category = dataset.items.frame["category"].to_numpy()[ROWS]
    with encoder.reference():
        vectors = F.normalize(encoder.encode(list(category)), dim=1)
    torch.testing.assert_close(found, vectors @ vectors.T)
    assert np.allclose(found[category[:, None] == category[None]], 1.0)


def test_next_visits_are_those_of_the_training_split(dataset, encoder):
    relevance = NextVisitRelevance()
    relevance.fit(dataset, encoder)
    rows = torch.arange(len(dataset.items))
    found = relevance.between(rows, torch.zeros(len(rows), 8))
    split = dataset.interactions.frame["split"].to_numpy()
    expected, last, seen = np.zeros(found.shape), {}, set()
    for at in np.flatnonzero(split == "train"):
        user, item = int(dataset.user_rows[at]), int(dataset.item_rows[at])
        if user in last and (user, item) not in seen:
            expected[last[user], item] = expected[item, last[user]] = 1
        last[user] = item
        seen.add((user, item))
    assert np.array_equal(found.numpy(), expected)
    assert 0 < expected.mean() < 1


def test_a_reward_judges_the_reference_embeddings(dataset, encoder):
    torch.manual_seed(0)
    model = RewardModel(encoder, hidden_dim=8)
    relevance = RewardRelevance(model)
    relevance.fit(dataset, encoder)
    vectors = torch.randn(5, encoder.dim)
    found = relevance.between(ROWS, vectors)
    with torch.no_grad():
        for i in range(5):
            expected = model.eval().score(vectors[i : i + 1], vectors[None]).sigmoid()[0]
            torch.testing.assert_close(found[i], expected)
    assert not found.requires_grad
    assert relevance.constructor_arguments() == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ListwiseRelevance(weights=[1.0]), "give one each"),
        (lambda: ListwiseRelevance(weights=[0.0, 0.0, 0.0]), "give one each"),
        (lambda: ListwiseRelevance(temperature=0), "temperature must be positive"),
        (lambda: ListwiseRelevance(relevance_temperature=-1), "relevance_temperature must be positive"),
        (lambda: DistanceRelevance([]), "scales_km must be positive"),
        (lambda: DistanceRelevance([1.0, 0.0]), "scales_km must be positive"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(LgsidError, match=message):
        make()
