"""TWIN: one set of scores chooses and weighs, against plain loops and against attention over everything."""

import math

import numpy as np
import pytest
import torch

from lgsid.recommenders import TwoStageAttention

LENGTHS = (9, 0, 3, 14, 1)
HEADS, HEAD_WIDTH = 2, 3


def made(town, k):
    torch.manual_seed(0)
    extractor = TwoStageAttention(k, HEADS, HEAD_WIDTH)
    extractor.build(town.sizes)
    return extractor


def array(tensor):
    return tensor.detach().double().numpy()


def plain(extractor, town, i, j, best_of=lambda scores: range(len(scores))):
    """The interest of query i in its candidate j, one event and head at a time; `best_of` picks events by score."""
    histories, contexts, item = town.queries(LENGTHS)
    key = array(extractor.of_event.weight).reshape(HEADS, HEAD_WIDTH, -1)
    query = array(extractor.of_candidate.weight).reshape(HEADS, HEAD_WIDTH, -1)
    value = array(extractor.value.weight).reshape(HEADS, HEAD_WIDTH, -1)
    heads = []
    for h in range(HEADS):
        scores, values = [], []
        for place, context in zip(histories[i], contexts[i], strict=True):
            event, cross = array(town.table[place]), array(town.pairs.cross(place, item[i, j]))
            score = (key[h] @ event) @ (query[h] @ array(town.table[item[i, j]])) / math.sqrt(HEAD_WIDTH)
            score += array(extractor.of_context.weight)[h] @ array(context)
            scores.append(score + array(extractor.of_cross.weight)[h] @ cross)
            values.append(value[h] @ np.concatenate([event, array(context), cross]))
        kept = list(best_of(scores))
        weight = np.exp([scores[t] for t in kept])
        parts = [w * values[t] for w, t in zip(weight / weight.sum(), kept, strict=True)]
        heads.append(np.sum(parts, axis=0) if parts else np.zeros(HEAD_WIDTH))
    return array(extractor.output.weight) @ np.concatenate(heads)


@pytest.mark.parametrize("k", [14, 50])
def test_keeping_everything_is_target_attention(town, k):
    extractor = made(town, k)
    found = extractor(town.inputs(LENGTHS, before=k - 14)).vector
    for i, j in np.ndindex(5, 4):
        assert np.allclose(array(found[i, j]), plain(extractor, town, i, j), atol=1e-5)


@pytest.mark.parametrize("k", [1, 4])
def test_the_scores_that_choose_also_weigh(town, k):
    extractor = made(town, k)
    found = extractor(town.inputs(LENGTHS, behind=2)).vector
    for i, j in np.ndindex(5, 4):
        expected = plain(extractor, town, i, j, lambda scores: np.argsort(scores)[::-1][:k])
        assert np.allclose(array(found[i, j]), expected, atol=1e-5)


def test_features_of_a_pair_enter_as_one_number_per_head(town):
    """Raising a weight raises the scores by the feature: places at the candidate's by it, others not at all."""
    extractor, inputs = made(town, 3), town.inputs(LENGTHS)
    cross = inputs.pairs.cross(inputs.history[:, None], inputs.item[:, :, None])
    before = extractor.scores(inputs, cross)
    with torch.no_grad():
        extractor.of_cross.weight[1, 0] += 2.5
        extractor.of_context.weight[0, 3] -= 1.5
    change = extractor.scores(inputs, cross) - before
    same = (inputs.history[:, None] == inputs.item[:, :, None]).float()
    assert torch.allclose(change[:, :, 1], 2.5 * same, atol=1e-5)
    assert torch.allclose(change[:, :, 0], -1.5 * inputs.context[:, None, :, 3].expand_as(same), atol=1e-4)


def test_cross_features_are_matches_regions_and_distance(town, make_town):
    catalogue, past, here = town.catalogue, torch.arange(30)[:, None], torch.arange(30)
    cross = town.pairs.cross(past, here)
    assert cross.shape == (30, 30, town.pairs.n_cross)
    for i, j in np.ndindex(30, 30):
        codes, others = catalogue.codes[i].tolist(), catalogue.codes[j].tolist()
        shared = [i == j, catalogue.category[i] == catalogue.category[j], codes[0] == others[0], codes == others]
        regions = (catalogue.region[i] == catalogue.region[j]).tolist()
        assert cross[i, j, :6].tolist() == [float(value) for value in shared + regions]
    assert torch.equal(cross[..., 6:], town.pairs.distance(catalogue.km(past, here)))
    assert cross[..., 6:].shape[-1] == 5
    depth = town.pairs.match(past, here)[..., 2:].sum(-1)
    assert set(depth.unique().tolist()) == {0.0, 1.0, 2.0}
    bare = make_town(with_sids=False, distance=False)
    assert torch.equal(bare.pairs.cross(past, here), cross[..., [0, 1, 4, 5]])
