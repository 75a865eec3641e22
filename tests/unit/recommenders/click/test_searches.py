"""The searches of SIM and ETA and the attention over what they find, against brute force."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from lgsid.recommenders import HardSearch, HashSearch, SoftSearch
from lgsid.recommenders.click.found_attention import at
from lgsid.recommenders.click.search_attention import first_visits

LENGTHS = (9, 0, 3, 14, 1)
SEARCHES = {
    "hard": lambda k: HardSearch(k, heads=2, head_width=3),
    "soft": lambda k: SoftSearch(k, heads=2, head_width=3, search_width=4, search_loss=1.0),
    "hash": lambda k: HashSearch(k, heads=2, head_width=3, bits=16),
}


def made(town, name, k=3):
    torch.manual_seed(0)
    extractor = SEARCHES[name](k)
    extractor.build(town.sizes)
    return extractor


def array(tensor):
    return tensor.detach().double().numpy()


def relevance(extractor, town, place, candidate):
    """How relevant a place is to a candidate; none where it may not be found."""
    event, target = array(town.table[place]), array(town.table[candidate])
    if isinstance(extractor, HardSearch):
        return 0.0 if town.catalogue.category[place] == town.catalogue.category[candidate] else None
    if isinstance(extractor, SoftSearch):
        return float(array(extractor.of_event.weight) @ event @ (array(extractor.of_candidate.weight) @ target))
    bits = array(extractor.projections)
    return -int(((event @ bits >= 0) != (target @ bits >= 0)).sum())


def expected_places(extractor, town, history, candidate):
    """The k most relevant events by sorting them, of equally relevant ones the more recent first."""
    scored = [(relevance(extractor, town, place, candidate), t) for t, place in enumerate(history)]
    return [t for _, t in sorted((pair for pair in scored if pair[0] is not None), reverse=True)[: extractor.k]]


@pytest.mark.parametrize("padding", [(0, 0), (4, 0), (0, 3)])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_what_sorting_finds(town, name, padding):
    extractor = made(town, name)
    histories, _, item = town.queries(LENGTHS)
    inputs = town.inputs(LENGTHS, before=padding[0], behind=padding[1])
    found, there = extractor.search(inputs)
    for i, history in enumerate(histories):
        start = inputs.mask[i].int().argmax().item()
        for j in range(4):
            places = (found[i, j][there[i, j]] - start).tolist()
            assert places == expected_places(extractor, town, history, item[i, j])
            assert there[i, j].tolist() == [n < len(places) for n in range(3)]


def test_visits_to_a_place_are_equally_relevant_whatever_the_last_bits():
    g = torch.Generator().manual_seed(0)
    history, mask = torch.randint(4, (6, 15), generator=g), torch.rand(6, 15, generator=g) < 0.7
    first = first_visits(history, mask)
    for i, t in np.ndindex(6, 15):
        if mask[i, t]:
            assert first[i, t] == min(s for s in range(15) if mask[i, s] and history[i, s] == history[i, t])
        else:
            assert not mask[i, first[i, t]]


def test_softly_found_are_events_before_padding_even_where_all_products_are_negative(town):
    extractor = made(town, "soft", k=4)
    with torch.no_grad():
        extractor.of_event.weight.copy_(-extractor.of_candidate.weight)
    inputs = town.inputs((4,), before=6)
    same = inputs.candidate[:, :1].expand(1, 10, -1) * inputs.mask[..., None]
    object.__setattr__(inputs, "event", same)  # each event is the first candidate
    assert (extractor.products(inputs)[0, 0, 6:] < 0).all()
    found, there = extractor.search(inputs)
    assert there.all()
    assert sorted(found[0, 0].tolist()) == [6, 7, 8, 9]


@pytest.mark.parametrize("name", SEARCHES)
def test_attention_is_that_over_what_was_found(town, name):
    """Against a loop over queries, candidates, heads and found events, in NumPy."""
    extractor = made(town, name)
    found = extractor(town.inputs(LENGTHS, before=2)).vector
    histories, contexts, item = town.queries(LENGTHS)
    attention = extractor.attention
    of_event = array(attention.of_event.weight).reshape(2, 3, -1)
    of_candidate = array(attention.of_candidate.weight).reshape(2, 3, -1)
    for i, (history, context) in enumerate(zip(histories, contexts, strict=True)):
        for j in range(4):
            seen = [
                np.concatenate(
                    [
                        array(town.table[history[t]]),
                        array(context[t]),
                        array(town.pairs.match(history[t], item[i, j])),
                    ]
                )
                for t in expected_places(extractor, town, history, item[i, j])
            ]
            heads = []
            for head in range(2):
                query = of_candidate[head] @ array(town.table[item[i, j]])
                weight = np.array([math.exp(of_event[head] @ z @ query / math.sqrt(3)) for z in seen])
                parts = [w * z for w, z in zip(weight / weight.sum(), seen, strict=True)]
                heads.append(np.sum(parts, axis=0) if parts else np.zeros(attention.seen))
            assert np.allclose(array(found[i, j]), np.concatenate(heads), atol=1e-5)


@pytest.mark.parametrize("name", ["soft", "hash"])
def test_what_was_not_found_gets_no_gradient(town, name):
    extractor, inputs = made(town, name), town.inputs((14, 9), candidates=1)
    event = inputs.event.detach().requires_grad_()
    object.__setattr__(inputs, "event", event)
    found, _ = extractor.search(inputs)
    extractor(inputs).vector.square().sum().backward()
    touched = event.grad.abs().sum(-1) > 0
    for i in range(2):
        assert set(touched[i].nonzero()[:, 0].tolist()) == set(found[i, 0].tolist())


def test_a_soft_search_starts_with_what_resembles_the_candidate(town):
    """An untrained one finds a similarity, never its opposite: the product of a place with itself is a square."""
    extractor, inputs = made(town, "soft"), town.inputs((4, 4))
    object.__setattr__(inputs, "event", inputs.candidate)
    own = extractor.products(inputs).diagonal(dim1=1, dim2=2)
    assert torch.allclose(own, extractor.of_event(inputs.candidate).square().sum(-1), atol=1e-6)


def test_the_soft_search_learns_from_its_own_loss_alone(town):
    extractor = made(town, "soft")
    interest = extractor(town.inputs(LENGTHS, label=True))
    interest.vector.sum().backward(retain_graph=True)
    assert extractor.of_event.weight.grad is None
    interest.losses["search"].backward()
    for part in (extractor.of_event, extractor.of_candidate, *extractor.click[::2]):
        assert part.weight.grad.abs().sum() > 0


def test_the_loss_of_the_soft_search_is_a_click_predicted_from_all_events(town):
    extractor = made(town, "soft", k=1)
    found = extractor(town.inputs(LENGTHS, before=3, label=True)).losses["search"]
    histories, _, item = town.queries(LENGTHS)
    losses = []
    for i, history in enumerate(histories):
        for j in range(4):
            total = torch.zeros(6)
            for place in history:
                total = total + relevance(extractor, town, place, item[i, j]) * town.table[place] / len(history)
            logit = float(extractor.click(torch.cat([total, town.table[item[i, j]]])).detach())
            losses.append(math.log1p(math.exp(-logit if j == 0 else logit)))
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_projections_are_fixed_and_kept(town):
    one, same, other = (HashSearch(bits=8, seed=seed) for seed in (1, 1, 2))
    for extractor in (one, same, other):
        extractor.build(town.sizes)
    assert torch.equal(one.projections, same.projections)
    assert not torch.equal(one.projections, other.projections)
    assert "projections" in one.state_dict()
    assert "projections" not in dict(one.named_parameters())


def test_bits_differ_as_often_as_the_angle_says(town):
    extractor = HashSearch(bits=40_000)
    extractor.build(town.sizes)
    vectors = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    signs = extractor.signs(vectors)
    share = (1 - signs @ signs.T / 40_000) / 2
    angle = (normalize(vectors) @ normalize(vectors).T).clamp(-1, 1).acos() / math.pi
    assert torch.allclose(share, angle, atol=5 * 0.5 / 200)  # five standard deviations


def recall(extractor, inputs, exact):
    """Share of the K events with the largest exact scores (B, C, T) that the search finds."""
    best = exact.masked_fill(~inputs.mask[:, None], -math.inf).topk(extractor.k).indices
    found, there = extractor.search(inputs)
    assert there.all()
    return float((best[..., None] == found[..., None, :]).any(-1).float().mean())


@pytest.fixture
def long(town):
    """Long histories of distinct places and vectors, padded with zeros."""
    inputs, g = town.inputs((400, 300), candidates=10), torch.Generator().manual_seed(0)
    event = torch.randn(2, 400, 6, generator=g) * inputs.mask[..., None]
    object.__setattr__(inputs, "event", event)
    object.__setattr__(inputs, "candidate", torch.randn(2, 10, 6, generator=g))
    object.__setattr__(inputs, "history", torch.arange(400).expand(2, -1))
    return inputs


def test_a_soft_search_with_equal_projections_finds_the_largest_inner_products(town, long):
    extractor = SoftSearch(k=20, search_width=6)
    extractor.build(town.sizes)
    with torch.no_grad():
        extractor.of_event.weight.copy_(torch.eye(6))
        extractor.of_candidate.weight.copy_(torch.eye(6))
    assert recall(extractor, long, long.candidate @ long.event.mT) == 1


def test_more_bits_find_more_of_the_nearest_by_angle(town, long):
    exact = normalize(long.candidate, dim=-1) @ normalize(long.event, dim=-1).mT
    found = []
    for bits in (1, 16, 256, 8192):
        extractor = HashSearch(k=20, bits=bits)
        extractor.build(town.sizes)
        found.append(recall(extractor, long, exact))
    assert found == sorted(found)
    assert found[0] < 0.3
    assert found[3] > 0.9


def test_values_are_taken_from_the_history_of_their_query():
    values = torch.arange(24).view(2, 4, 3)
    found = torch.tensor([[[0, 3], [2, 2]], [[1, 0], [3, 1]]])
    taken = at(values, found)
    for i, j, k in np.ndindex(2, 2, 2):
        assert torch.equal(taken[i, j, k], values[i, found[i, j, k]])
    assert torch.equal(at(values[..., 0], found), taken[..., 0])
