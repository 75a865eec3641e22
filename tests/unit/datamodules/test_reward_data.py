from collections import Counter
from pathlib import Path

import pytest
import torch

from lgsid.artefacts import Dataset
from lgsid.artefacts.held_out import held_out
from lgsid.datamodules import RewardData
from lgsid.errors import LgsidError
from lgsid.rewards import CrossedLists, DistanceLists, ListSource, MismatchedLists, NextVisitLists, UniformLists
from lgsid.testing import toy_city
from lgsid.typing import RewardBatch


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return toy_city(n_items=80, n_checkins=2000, folder=tmp_path_factory.mktemp("city"))


def every_source() -> list[ListSource]:
    mismatched = MismatchedLists(n_contents=20, n_locations=8, n_neighbours=20, n_far=1)
    near = {"n_neighbours": 20, "n_far": 1}
    return [DistanceLists(**near), CrossedLists(**near), UniformLists(), mismatched, NextVisitLists(n_relevant=2)]


def data(city: Dataset, **arguments: object) -> RewardData:
    settings: dict = {"list_sources": every_source(), "n_candidates": 6, "batch_size": 16}
    made = RewardData(city, **{**settings, **arguments})
    made.setup()
    return made


def batches(made: RewardData, epochs: int = 1) -> list[RewardBatch]:
    loader = made.train_dataloader()
    return [batch for _ in range(epochs) for batch in loader]


def test_no_training_list_knows_a_heldout_place(city: Dataset) -> None:
    made = data(city)
    locations = made.prompts.locations(city.items)
    heldout, training = set(made.heldout.tolist()), set(made.training.tolist())
    assert heldout == set(held_out(city.items.ids, 0.2, 0).nonzero()[0].tolist())
    assert not heldout & training
    assert heldout | training == set(range(80))
    hidden = {locations[i] for i in heldout}
    for batch in batches(made, epochs=3):
        assert set(batch.candidate.flatten().tolist()) <= training
        texts = {made.book.texts[row] for row in batch.prompt.flatten().tolist()}
        assert not [text for text in texts for location in hidden if location in text]
    for loader in made.test_dataloader():
        for batch in loader:
            assert set(batch.candidate.flatten().tolist()) <= heldout


def test_the_same_places_are_held_out_by_their_own_seed(city: Dataset) -> None:
    first, other_lists, others = data(city), data(city, seed=1), data(city, held_out_seed=1)
    assert first.heldout.tolist() == other_lists.heldout.tolist() != others.heldout.tolist()


def test_shapes_and_length_of_an_epoch(city: Dataset) -> None:
    made = data(city)
    found = batches(made)
    assert sum(map(len, found)) == len(made.training)
    assert len(made.train_dataloader()) == len(found)
    for batch in found:
        shape = (len(batch), 7)
        assert {batch.candidate.shape, batch.prompt.shape, batch.distance_km.shape, batch.label.shape} == {shape}
        assert torch.equal(batch.anchor, batch.candidate[:, 0])
        assert all(len(set(row)) == 7 for row in batch.candidate.tolist())


def test_sources_are_mixed_by_ratio(city: Dataset) -> None:
    made = data(city, list_sources=[DistanceLists(20, 1), NextVisitLists(2)], ratios=[3.0, 1.0], n_candidates=6)
    ranks = torch.arange(7, 0, -1)
    found = [sorted(row, reverse=True) == ranks.tolist() for b in batches(made, 40) for row in b.label.tolist()]
    assert sum(found) / len(found) == pytest.approx(0.75, abs=0.04)


def test_a_source_of_ratio_zero_is_only_measured(city: Dataset) -> None:
    made = data(city, ratios=[0, 0, 0, 0, 1.0])
    for batch in batches(made, 5):
        anchors = made.samplers[0][0].anchors.tolist()
        assert set(batch.anchor.tolist()) <= set(anchors)
    assert made.list_names == [
        f"heldout/{kind}" for kind in ("distance", "crossed", "uniform", "mismatched", "next_visit")
    ]
    assert [len(list(loader)) > 0 for loader in made.val_dataloader()] == [True] * 5


def test_a_test_serves_the_full_lists_again_with_parts_of_the_prompts_taken_away(city: Dataset) -> None:
    made = data(city)
    n_texts = len(made.book.texts)
    for _ in range(2):  # a second test finds the same
        loaders = made.test_dataloader()
        assert len(loaders) == len(made.list_names) == 5 + 6 * 3
    served = dict(zip(made.list_names, loaders, strict=True))
    contents, locations = made.prompts.contents(city.items), made.prompts.locations(city.items)
    expected = {
        "true": lambda row: made.prompts.join(contents[row], locations[row]),
        "location_only": lambda row: locations[row],
        "content_only": lambda row: contents[row],
        "no_coordinates": lambda row: made.prompts.join(contents[row], locations[row].split(", latitude")[0]),
        "no_regions": lambda row: made.prompts.join(contents[row], locations[row][locations[row].index("latitude") :]),
    }
    for kind in ("distance", "uniform", "next_visit"):
        (original,) = [list(served[f"heldout/{kind}"])]
        for variant in (*expected, "shuffled_contents"):
            for one, other in zip(original, served[f"reads/{variant}/{kind}"], strict=True):
                assert torch.equal(one.candidate, other.candidate)
                assert torch.equal(one.label, other.label)
                for places, prompts in zip(other.candidate.tolist(), other.prompt.tolist(), strict=True):
                    said = [made.book.texts[row] for row in prompts]
                    if variant in expected:
                        assert said == [expected[variant](place) for place in places]
                    else:
                        assert all(text.endswith(locations[place]) for text, place in zip(said, places, strict=True))
    shuffled = torch.cat([b.prompt for b in served["reads/shuffled_contents/distance"]])
    true = torch.cat([b.prompt for b in served["reads/true/distance"]])
    assert (shuffled != true).float().mean() > 0.5
    assert torch.equal(true, torch.cat([b.prompt for b in served["heldout/distance"]]))
    assert len(made.book.texts) > n_texts


def test_prompts_come_in_parts_the_full_ones_first_as_the_alignment_encodes_them(city: Dataset) -> None:
    made = data(city)
    assert made.book.parts[0] == list(dict.fromkeys(made.prompts.prompts(city.items)))
    assert [text for part in made.book.parts for text in part] == made.book.texts
    assert len(made.book.parts) == 2
    made.test_dataloader()
    assert len(made.book.parts) == 3
    assert max(Counter(made.book.texts).values()) == 1


def test_same_seed_same_lists_and_another_every_epoch(city: Dataset) -> None:
    first, again, other = data(city), data(city), data(city, seed=1)
    assert first.book.texts == again.book.texts
    a, b, c = batches(first, 2), batches(again, 2), batches(other, 2)
    assert all(torch.equal(x.prompt, y.prompt) for x, y in zip(a, b, strict=True))
    assert not torch.equal(a[0].candidate, a[len(a) // 2].candidate)
    assert not torch.equal(a[0].candidate, c[0].candidate)
    for kind, lists in first.heldout_lists.items():
        assert torch.equal(lists.candidate, again.heldout_lists[kind].candidate)


def test_few_places_give_short_lists(tmp_path: Path) -> None:
    toy_city(n_items=40, folder=tmp_path)
    made = RewardData(str(tmp_path))
    made.setup()
    assert {batch.candidate.shape[1] for batch in batches(made)} == {16}
    assert made.heldout_lists["distance"].candidate.shape[1] == len(made.heldout) < 16


def test_without_check_ins_there_are_lists_of_distances_only(city: Dataset, caplog: pytest.LogCaptureFixture) -> None:
    silent = Dataset(city.items, type(city.interactions)(city.interactions.frame.iloc[:0]), city.report)
    made = data(silent, list_sources=[DistanceLists(), NextVisitLists(2)])
    assert "NextVisitLists: no lists on these data, left out" in caplog.messages
    assert made.list_names == ["heldout/distance"]
    assert sum(map(len, batches(made))) == len(made.training)
    with pytest.raises(LgsidError, match="none of the list sources finds lists; add `DistanceLists`"):
        data(silent, list_sources=[NextVisitLists(2)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"held_out_share": 1.0}, "held_out_share must lie between 0 and 1"),
        ({"held_out_share": 0.001}, "too few"),
        ({"n_candidates": 1}, "n_candidates must be at least 2"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"ratios": [1.0]}, "5 list sources but 1 ratios"),
        ({"ratios": [0.0] * 5}, "nor all zero"),
        ({"ratios": [1.0, 1.0, 1.0, 1.0, -1.0]}, "must not be negative"),
        ({"list_sources": [DistanceLists(), DistanceLists()]}, "two list sources of one kind among distance, distance"),
        ({"list_sources": []}, "0 list sources"),
        ({"n_candidates": 9}, "n_locations 8 must not be below n_candidates 9"),
        ({"n_candidates": 2}, "n_relevant 2 must be below n_candidates 2"),
    ],
)
def test_mistakes_are_one_line(city: Dataset, arguments: dict, message: str) -> None:
    with pytest.raises(LgsidError, match=message):
        data(city, **arguments)
