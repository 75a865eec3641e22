"""Features of past check-ins against loops over the check-ins of one user."""

import math

import pytest
import torch

from lgsid.recommenders.generative.history_copy import (
    AGE_KNOTS,
    LAG_KNOTS,
    PLACE_KNOTS,
    describe_events,
    describe_places,
    match_codes,
    summary,
)
from lgsid.recommenders.generative.visits import Visits
from lgsid.typing import SequenceBatch

HISTORIES = [[-1, -1, 4, 2, 4, 2], [0, 1, 0, 1, 1, 0], [-1, -1, -1, -1, -1, -1], [-1, -1, -1, -1, -1, 3]]
AGES_H = [720.0, 200.0, 49.5, 26.0, 3.0, 0.5]
HOURS = [[1.5, 23.0, 7.25, 12.0, 0.5, 22.0]] * 4
WEEKDAYS = [[5, 6, 0, 4, 3, 5]] * 4
NOW_HOUR, NOW_WEEKDAY = [23.5, 8.0, 12.0, 0.0], [6, 0, 4, 5]
KM = torch.rand(4, 6, generator=torch.Generator().manual_seed(0)) * 3


@pytest.fixture(scope="module")
def batch():
    rows = torch.arange(4)
    return SequenceBatch(
        row=rows,
        user=rows,
        history=torch.tensor(HISTORIES),
        history_age_s=torch.tensor([[3600 * age for age in AGES_H]] * 4, dtype=torch.float64),
        history_hour=torch.tensor(HOURS),
        history_weekday=torch.tensor(WEEKDAYS),
        hour=torch.tensor(NOW_HOUR),
        weekday=torch.tensor(NOW_WEEKDAY),
        target=-torch.ones(4, dtype=torch.int64),
        is_new=torch.zeros(4, dtype=torch.bool),
    )


def bump(value, knots):
    return [math.exp(-(((value - knot) / 0.7) ** 2) / 2) for knot in knots]


def turns(hour):
    angle = 2 * math.pi * hour / 24
    return [math.cos(angle), math.sin(angle), math.cos(2 * angle), math.sin(2 * angle)]


def event_of(b, t):
    """Describe one past check-in by its definition; `at(0)` is the last one, `at(-1)` does not exist."""
    places, hour = HISTORIES[b], HOURS[b][t]
    last, before = places[-1], places[t - 1] if t else -1
    before_that, second = places[t - 2] if t > 1 else -1, places[-2]
    apart = abs(hour - NOW_HOUR[b])
    apart = min(apart, 24 - apart)
    age, lag = math.log(1 + AGES_H[t]), math.log(1 + AGES_H[-1])
    weekend, now_weekend = WEEKDAYS[b][t] >= 5, NOW_WEEKDAY[b] >= 5
    follows = before == last and last >= 0
    gap = math.log(1 + AGES_H[t - 1] - AGES_H[t]) if t else 20.0
    rank = len(places) - 1 - t
    kernel = [math.exp(-((apart / width) ** 2) / 2) for width in (0.7, 1.5, 3.0, 6.0)]
    return [
        *kernel,
        *[age / 5, *bump(age, AGE_KNOTS), math.exp(-AGES_H[t] / 720), math.exp(-AGES_H[t] / 168)],
        *[math.cos(2 * math.pi * AGES_H[t] / 168), math.cos(2 * math.pi * AGES_H[t] / 24)],
        *[weekend == now_weekend, WEEKDAYS[b][t] == NOW_WEEKDAY[b], now_weekend],
        *[places[t] == last, math.log(1 + rank) / 5, rank < 1, rank < 2, rank < 4],
        *[follows, follows and before_that == second, follows * math.exp(-abs(gap - lag))],
        *[follows * kernel[1], math.log(1 + 5 * KM[b, t]) / 3, 1 / (1 + 5 * KM[b, t]), lag / 5, *bump(lag, LAG_KNOTS)],
        *turns(NOW_HOUR[b]),
    ]


def test_events_are_described_by_their_definition(batch):
    found = describe_events(batch, KM)
    expected = [[[float(value) for value in event_of(b, t)] for t in range(6)] for b in range(4)]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_a_history_of_one_has_nothing_before_it(batch):
    found = describe_events(batch.take(torch.tensor([3])), KM[3:])
    given = {name: value for name, value in vars(batch).items() if value is not None}
    short = SequenceBatch(**{name: value[3:, -1:] if value.ndim == 2 else value[3:] for name, value in given.items()})
    torch.testing.assert_close(describe_events(short, KM[3:, -1:])[0, 0], found[0, -1])


def test_places_are_described_by_the_visits_there(batch):
    found = describe_places(batch, Visits.of(batch.history))
    for b, places in enumerate(HISTORIES):
        n_known = sum(place >= 0 for place in places)
        for t in [t for t in range(6) if places[t] >= 0]:
            ages = [age for place, age in zip(places, AGES_H, strict=True) if place == places[t]]
            latest, earliest, n = math.log(1 + min(ages)), math.log(1 + max(ages)), len(ages)
            expected = [math.log(n) / 3, float(n == 1), n / n_known]
            expected += [latest / 5, earliest / 5, (earliest - latest) / 5, *bump(latest, PLACE_KNOTS)]
            assert found[b, t].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-5), (b, t)


def test_codes_are_compared_with_those_of_the_last_place(batch):
    known = batch.history >= 0
    codes = torch.randint(0, 2, (4, 6, 3), generator=torch.Generator().manual_seed(1))
    found = match_codes(codes, known)
    for b, places in enumerate(HISTORIES):
        last = codes[b, -1].tolist() if places[-1] >= 0 else [-1] * 3
        for t in range(6):
            own = codes[b, t].tolist() if places[t] >= 0 else [-1] * 3
            before = codes[b, t - 1].tolist() if t and places[t - 1] >= 0 else [-1] * 3
            expected = [float(x == y) for x, y in zip(own + before, last + last, strict=True)]
            assert found[b, t].tolist() == expected, (b, t)


def test_a_summary_tells_how_repetitive_and_how_sure(batch):
    attention = torch.rand(4, 6, generator=torch.Generator().manual_seed(2))
    attention = torch.where(batch.history >= 0, attention, 0.0)
    attention = attention / attention.sum(1, keepdim=True).clamp_min(1e-9)
    found = summary(batch, Visits.of(batch.history), attention.clamp_min(1e-30).log())
    for b, places in enumerate(HISTORIES):
        seen = [place for place in places if place >= 0]
        n, distinct = len(seen), len(set(seen))
        masses = [sum(a for p, a in zip(places, attention[b].tolist(), strict=True) if p == q) for q in set(seen)]
        new_of_five = [t for t in range(1, 6) if places[t] >= 0 and places[t] not in places[:t]]
        n_of_five = sum(place >= 0 for place in places[1:])
        expected = [math.log(1 + n) / 5, math.log(1 + distinct) / 5, distinct / max(n, 1)]
        expected += [max(masses, default=0.0), sum(mass**2 for mass in masses)]
        expected += [len(new_of_five) / max(n_of_five, 1), distinct / max(n, 1)]
        expected += [math.log(1 + AGES_H[-1]) / 5, float(NOW_WEEKDAY[b] >= 5), *turns(NOW_HOUR[b])]
        assert found[b].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-5), b
