"""Another tokenizer's semantic IDs for the same places, and what comes after."""

import numpy as np
import pytest

from lgsid.artefacts import SemanticIDs
from lgsid.errors import LgsidError
from lgsid.generations import AsTheyAre, ByLevel, ByPrefix
from lgsid.generations.difference import Difference

RENUMBERED = np.array([2, 0, 3, 1])


class Renumbered:
    """A tokenizer whose first code is renumbered: what a second training of the same may be."""

    def __init__(self, square):
        kind = type(square.tokenizer)

        class Other(kind):
            def distances(self, items, codes, level):
                found = super().distances(items, codes, level)
                return found[:, RENUMBERED] if level == 0 else found

        self.tokenizer = Other()


@pytest.fixture
def other(square):
    return Renumbered(square).tokenizer


def codes_of(generation):
    found = generation.sids()
    return dict(zip(found.item_ids.tolist(), map(tuple, found.codes.tolist()), strict=True))


@pytest.mark.parametrize("relabeler", [ByPrefix(), ByLevel()])
def test_a_renumbering_is_undone_and_later_places_get_the_old_labels(square, other, tmp_path, relabeler):
    generations = square.published(tmp_path, range(30))
    old = codes_of(generations.current)
    sids = other.tokenize(square.items(range(30)))
    outcome = generations.refit(sids, relabeler=relabeler)
    assert outcome.written is not None  # no code changed, but what leads to them
    assert len(outcome.change.delta) == 0
    assert codes_of(generations.current) == old
    assert generations.refit(sids, relabeler=relabeler).written is None
    assert outcome.change.told["churn"]["as they are"]["prefix"][0] == 1.0
    assert outcome.change.told["churn"][type(relabeler).__name__]["prefix"] == [0.0, 0.0, 0.0]
    generations.refit(sids, relabeler=AsTheyAre())
    assert codes_of(generations.current) == dict(
        zip(sids.item_ids.tolist(), map(tuple, sids.codes.tolist()), strict=True)
    )
    generations.rollback(1)
    generations.move(square.items([3], north=0.5), reassign=True, tokenizer=square.tokenizer)
    three = codes_of(generations.current)["p3"]
    assert three != old["p3"]
    generations.refit(sids, relabeler=relabeler)
    assert codes_of(generations.current) == old  # p3 is back, too: the codes are of where it was when it was tokenized
    assert generations.current.register.left_codes.size == 0
    fresh = square.tokenizer.tokenize(square.items([40, 41]))
    generations.append(square.items([40, 41]), tokenizer=other)
    found = codes_of(generations.current)
    for item, codes in zip(fresh.item_ids, fresh.codes.tolist(), strict=True):
        assert found[item][:2] == tuple(codes[:2])
    assert len(set(found.values())) == len(found)
    generations.current.verify()


def test_a_refit_keeps_rows_and_retired_places(square, other, tmp_path):
    generations = square.published(tmp_path, range(20))
    generations.retire(["p3"])
    sids = other.tokenize(square.items(range(19, -1, -1)))
    generations.refit(sids, relabeler=AsTheyAre())
    assert list(codes_of(generations.current)) == [f"p{n}" for n in range(20)]
    assert "p3" not in generations.current.open_ids()
    assert generations.refit(sids, relabeler=AsTheyAre()).written is None
    found = Difference(generations[2], generations[3]).to_dict()
    assert found["places"]["same"] == 20
    assert found["churn"]["prefix"] == [1.0, 1.0, 1.0]
    assert found["rows_kept"]


def test_every_published_place_needs_a_new_semantic_id(square, other, tmp_path):
    generations = square.published(tmp_path, range(20))
    with pytest.raises(LgsidError, match="none for 5 of 20 published places, first 'p15'"):
        generations.refit(other.tokenize(square.items(range(15))))
    items = square.items(range(20))
    shared = SemanticIDs(items.ids, np.zeros((20, 1), dtype=np.int64), (1,))
    with pytest.raises(LgsidError, match="20 of 20 places share theirs"):
        generations.refit(shared)


def test_other_levels_are_another_semantic_id(square, tmp_path):
    generations = square.published(tmp_path, range(20))
    items = square.items(range(20))
    flat = SemanticIDs(items.ids, np.arange(20)[:, None], (20,))
    outcome = generations.refit(flat)
    assert outcome.change.delta.counts == {"recoded": 20}
    assert generations.current.sids().codebook_sizes == (20,)
    assert Difference(generations[1], generations[2]).churn.levels == (3, 1)
