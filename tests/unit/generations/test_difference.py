"""Any two generations, place by place, and how full they are, against loops."""

import math
from collections import Counter

import pytest

from lgsid.generations.capacity import capacity_of
from lgsid.generations.difference import Difference


@pytest.fixture
def lived(square, tmp_path):
    """A root where everything happened, and a generation that was rolled back."""
    generations = square.published(tmp_path, range(20))
    generations.append(square.items(range(18, 30)), tokenizer=square.tokenizer)
    generations.retire(["p1", "p2"])
    generations.rollback()
    generations.move(square.items(range(5), north=0.3), tokenizer=square.tokenizer)
    generations.move(square.items(range(3), north=0.3), reassign=True, tokenizer=square.tokenizer)
    generations.retire(["p25"])
    return generations


def test_generations_know_their_parents(lived):
    assert [(one.number, one.manifest.parent) for one in lived] == [(1, None), (2, 1), (3, 2), (4, 2), (5, 4), (6, 5)]
    assert lived.current.number == 6


def test_what_changed_is_counted(lived):
    found = Difference(lived[1], lived[6]).to_dict()
    assert {kind: n for kind, n in found["places"].items() if n} == {"appended": 10, "moved": 5, "same": 15}
    assert found["rows_kept"]
    one, other = (dict(zip(g.sids().item_ids, g.sids().codes.tolist(), strict=True)) for g in (lived[1], lived[6]))
    for level in range(3):
        changed = sum(one[item][: level + 1] != other[item][: level + 1] for item in one)
        assert found["churn"]["prefix"][level] == pytest.approx(changed / 20)
    assert found["churn"]["prefix"][2] > 0
    back = Difference(lived[6], lived[1]).to_dict()
    assert back["places"]["missing"] == 10
    aside = Difference(lived[3], lived[6]).to_dict()["places"]
    assert (aside["retired"], aside["returned"], aside["moved"]) == (1, 2, 5)


def test_capacity_is_counted(lived):
    register = lived.current.register
    found = capacity_of(register)
    assert found["places"] == {"published": 30, "open": 29, "retired": 1}
    given = [tuple(row) for row in register.taken.tolist()]
    assert found["slots"] == {"given": len(given), "left": len(given) - 30, "free": 96 - len(given)}
    for depth, row in enumerate(found["by_depth"], 1):
        counts = Counter(sid[:depth] for sid in given)
        places = Counter(sid[:depth] for sid in given[:30])
        room = math.prod((4, 4, 6)[depth:])
        assert row["possible"] == math.prod((4, 4, 6)[:depth])
        assert row["room"] == room
        assert row["used"] == len(counts)
        assert row["fullest"] == max(counts.values())
        assert row["full"] == sum(count >= room for count in counts.values())
        assert row["sharing"] == sum(count for count in places.values() if count > 1)
    assert {key: lived.current.capacity[key] for key in found} == found
