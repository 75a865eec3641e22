from pathlib import Path

import numpy as np
import pytest
import torch

from lgsid.datamodules import RewardData, TrainingListWeights
from lgsid.errors import LgsidError
from lgsid.testing import toy_city
from lgsid.text import PromptTemplate
from lgsid.typing import RewardBatch

LITERAL = TrainingListWeights(mismatched=1.0, moved=0.0, full=0.0, crossed=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("city")
    toy_city(n_items=80, folder=folder)
    return str(folder)


def data(folder: str, **arguments: object) -> RewardData:
    settings: dict = {"n_candidates": 6, "n_locations": 8, "n_neighbours": 20, "n_far": 1, "batch_size": 16}
    made = RewardData(folder, **{**settings, **arguments})
    made.setup()
    return made


def only(kind: str) -> TrainingListWeights:
    return TrainingListWeights(**{name: float(name == kind) for name in ("mismatched", "moved", "full", "crossed")})


def batches(made: RewardData, epochs: int = 1) -> list[RewardBatch]:
    loader = made.train_dataloader()
    return [batch for _ in range(epochs) for batch in loader]


def content_and_location(made: RewardData) -> dict[str, tuple[str, str]]:
    items = made.dataset.items
    contents, locations = made.prompts.contents(items), made.prompts.locations(items)
    return {made.prompts.join(c, x): (c, x) for c in set(contents) for x in set(locations)}


def test_no_training_list_knows_a_heldout_place(folder: str) -> None:
    made = data(folder)
    items = made.dataset.items
    halves = content_and_location(made)
    locations = made.prompts.locations(items)
    heldout, training = set(made.heldout.tolist()), set(made.training.tolist())
    assert not heldout & training
    assert heldout | training == set(range(80))
    assert len(heldout) == 16
    training_locations = {locations[i] for i in training}
    for batch in batches(made, epochs=3):
        assert set(batch.candidate.flatten().tolist()) <= training
        used = {halves[made.texts[row]][1] for row in batch.prompt.flatten().tolist()}
        assert used <= training_locations
    for loader in made.val_dataloader():
        for batch in loader:
            assert set(batch.candidate.flatten().tolist()) <= heldout


def test_shapes_distances_and_length_of_an_epoch(folder: str) -> None:
    made = data(folder)
    found = batches(made)
    assert [len(batch) for batch in found] == [16, 16, 16, 16]
    assert len(made.train_dataloader()) == 4
    batch = found[0]
    assert batch.candidate.shape == batch.prompt.shape == batch.distance_km.shape == (16, 7)
    assert torch.equal(batch.anchor, batch.candidate[:, 0])
    assert (batch.distance_km[:, 0] == 0).all()
    lat, lon = made.dataset.items.lat_deg[batch.candidate], made.dataset.items.lon_deg[batch.candidate]
    flat = np.hypot((lat - lat[:, :1]) * 111.195, (lon - lon[:, :1]) * 111.195 * np.cos(np.radians(lat)))
    np.testing.assert_allclose(batch.distance_km.numpy(), flat, rtol=0.01, atol=0.01)
    assert all(len(set(row)) == 7 for row in batch.candidate.tolist())


@pytest.mark.parametrize("kind", ["mismatched", "moved", "full", "crossed"])
def test_what_each_kind_of_list_says(folder: str, kind: str) -> None:
    made = data(folder, list_weights=only(kind))
    items = made.dataset.items
    contents, locations = made.prompts.contents(items), made.prompts.locations(items)
    halves = content_and_location(made)
    moved = False
    for batch in batches(made):
        for places, prompts in zip(batch.candidate.tolist(), batch.prompt.tolist(), strict=True):
            said = [halves[made.texts[row]] for row in prompts]
            assert [location for _, location in said] == [locations[place] for place in places]
            own = contents[places[0]]
            if kind == "mismatched":
                assert {content for content, _ in said} == {own}
            elif kind == "moved":
                assert len({content for content, _ in said}) == 1
                moved |= said[0][0] != own
            elif kind == "full":
                assert [content for content, _ in said] == [contents[place] for place in places]
            else:
                moved |= said[0][0] != own
    assert moved == (kind in ("moved", "crossed"))


def test_heldout_lists(folder: str) -> None:
    made = data(folder)
    mismatched, full = (list(loader) for loader in made.val_dataloader())
    halves = content_and_location(made)
    contents = made.prompts.contents(made.dataset.items)
    for a, b in zip(mismatched, full, strict=True):
        assert torch.equal(a.candidate, b.candidate)
        assert torch.equal(a.prompt[:, 0], b.prompt[:, 0])  # the anchor's own full prompt
        for places, same, own in zip(a.candidate.tolist(), a.prompt.tolist(), b.prompt.tolist(), strict=True):
            assert {halves[made.texts[row]][0] for row in same} == {contents[places[0]]}
            assert [halves[made.texts[row]][0] for row in own] == [contents[place] for place in places]


def test_same_seed_same_lists_and_another_every_epoch(folder: str) -> None:
    first, again, other = data(folder), data(folder), data(folder, seed=1)
    assert first.texts == again.texts
    a, b, c = batches(first, 2), batches(again, 2), batches(other, 2)
    assert all(torch.equal(x.prompt, y.prompt) for x, y in zip(a, b, strict=True))
    assert not torch.equal(a[0].prompt, a[4].prompt)
    assert not torch.equal(a[0].candidate, c[0].candidate)


def test_prompts_are_only_written_where_they_are_needed(folder: str) -> None:
    full = data(folder, list_weights=only("full"))
    assert len(full.texts) <= 80 + 16 * 6
    few = data(folder, n_contents=5, list_weights=LITERAL)
    assert len(few.texts) <= 80 + 16 * 6 + 5 * 8
    anchors = {row for batch in batches(few) for row in batch.anchor.tolist()}
    assert len(anchors) <= 5


def test_few_places_give_short_lists(tmp_path: Path) -> None:
    toy_city(n_items=40, folder=tmp_path)
    made = RewardData(str(tmp_path), prompts=PromptTemplate())
    made.setup()
    assert {batch.candidate.shape[1] for batch in batches(made)} == {16}
    assert {batch.candidate.shape[1] for loader in made.val_dataloader() for batch in loader} == {8}  # 8 are held out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heldout_share": 1.0}, "heldout_share"),
        ({"n_candidates": 1}, "n_candidates"),
        ({"n_locations": 3}, "n_locations"),
        ({"n_far": 9}, "n_far"),
        ({"heldout_share": 0.01}, "too few"),
    ],
)
def test_mistakes_are_one_line(folder: str, arguments: dict, message: str) -> None:
    with pytest.raises(LgsidError, match=message):
        data(folder, **arguments)


def test_weights_of_the_mix() -> None:
    assert TrainingListWeights(1, 1, 2, 0).shares() == (0.25, 0.25, 0.5, 0.0)
    for wrong in ((0, 0, 0, 0), (1, -1, 1, 1)):
        with pytest.raises(LgsidError, match="TrainingListWeights"):
            TrainingListWeights(*wrong)
