"""What check-ins tell of places: loops, closed forms, and zeros where they tell nothing."""

import numpy as np
import pytest
import torch

from lgsid.artefacts import Dataset, Interactions
from lgsid.errors import LgsidError
from lgsid.testing.tokenizer_contract import toy_items
from lgsid.tokenizers import CoVisitFactors, VisitHours, Visits
from lgsid.tokenizers.co_visit_factors import shared_information


def visits(seed=0, n=200, n_places=9, n_users=7):
    """Check-ins at all places but the last."""
    rng = np.random.default_rng(seed)
    columns = (rng.integers(high, size=n) for high in (n_users, n_places - 1, 24))
    return Visits(*columns, n_places)


def test_hours_against_a_loop():
    given, prior = visits(), 3.0
    found = VisitHours(prior).of(given)
    overall = np.bincount(given.hour, minlength=24) / len(given.hour)
    for place in range(given.n_places):
        counts = np.bincount(given.hour[given.place == place], minlength=24)
        expected = (counts + prior * overall) / (counts.sum() + prior) - overall
        np.testing.assert_allclose(found[place], expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-6)
    assert not found[-1].any()


def test_information_against_a_loop():
    given = visits()
    been = np.zeros((7, 9), dtype=bool)
    been[given.user, given.place] = True
    both = np.array([[0 if i == j else (been[:, i] & been[:, j]).sum() for j in range(9)] for i in range(9)])
    found = shared_information(given).toarray()
    for i in range(9):
        for j in range(9):
            expected = 0.0
            if both[i, j]:
                expected = max(0.0, np.log(both[i, j] * both.sum() / (both[i].sum() * both[j].sum())))
            assert found[i, j] == pytest.approx(expected)


def test_factors_are_those_of_the_whole_decomposition():
    given = visits(n=30)
    matrix = shared_information(given).toarray()
    left, values, _ = np.linalg.svd(matrix)
    expected = (left * values) @ left.T  # U S U', whatever the signs and rotations of U
    expected *= 9 / np.trace(expected)
    found = CoVisitFactors(9).of(given)
    np.testing.assert_allclose(found @ found.T, expected, atol=1e-5)
    wider = CoVisitFactors(12).of(given)
    assert not wider[:, 9:].any()
    np.testing.assert_allclose(wider @ wider.T, expected, atol=1e-5)


def test_places_of_the_same_users_are_alike():
    """Two crowds that share no place: places of one crowd have nearly the same vector, of two crowds a right angle."""
    rng = np.random.default_rng(0)
    user = rng.integers(40, size=800)
    place = rng.integers(10, size=800) + 10 * (user % 2)
    found = CoVisitFactors(2).of(Visits(user, place, np.zeros(800, dtype=np.int64), 20))
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert cosine[:10, :10].min() > 0.9
    assert cosine[10:, 10:].min() > 0.9
    assert np.abs(cosine[:10, 10:]).max() < 0.1


@pytest.mark.parametrize("signal", [VisitHours(), CoVisitFactors(5)], ids=["hours", "factors"])
def test_signals_have_a_neutral_value_and_no_order(signal):
    given = visits()
    order = np.random.default_rng(1).permutation(len(given.user))
    shuffled = Visits(given.user[order], given.place[order], given.hour[order], given.n_places)
    assert np.array_equal(signal.of(given), signal.of(shuffled))
    assert signal.of(given).shape == (9, signal.width)
    assert not signal.of(given)[-1].any()  # nobody was there
    nobody = Visits(*(np.zeros(0, dtype=np.int64) for _ in range(3)), 4)
    assert signal.of(nobody).shape == (4, signal.width)
    assert not signal.of(nobody).any()
    alone = Visits(*(np.zeros(3, dtype=np.int64) for _ in range(3)), 1)
    assert not signal.of(alone).any()  # the only place is the average


def test_only_training_check_ins_at_the_given_items_count():
    data = toy_items()
    dataset, items = data.dataset, data.items_by_id
    half = items.take(torch.arange(0, len(items), 2))
    found = Visits.of(dataset, half)
    frame = dataset.interactions.frame
    train = frame[(frame["split"] == "train") & frame["item_id"].isin(half.item_id)]
    assert half.item_id[found.place].tolist() == train["item_id"].tolist()
    assert found.hour.tolist() == train["hour"].tolist()
    later = frame["split"] != "train"
    other = frame.assign(item_id=frame["item_id"].where(~later, dataset.items.ids[0]))
    changed = Dataset(dataset.items, Interactions(other), dataset.report)
    for one, two in zip(found.__dict__.values(), Visits.of(changed, half).__dict__.values(), strict=True):
        assert np.array_equal(one, two)


def test_mistakes_are_one_clear_line():
    with pytest.raises(LgsidError, match="VisitHours: prior must be positive, not 0"):
        VisitHours(0)
    with pytest.raises(LgsidError, match="CoVisitFactors: width must be at least 1, not 0"):
        CoVisitFactors(0)
