"""Any sequence of updates keeps what was published."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgsid.artefacts import Items, SemanticIDs
from lgsid.artefacts.hashes import file_hash
from lgsid.errors import LgsidError
from lgsid.generations import Append, Generation, Generations, Move, Retire

NUMBERS = st.sets(st.integers(0, 39), min_size=1, max_size=12).map(sorted)
UPDATES = st.one_of(
    st.tuples(st.just("append"), NUMBERS),
    st.tuples(st.just("retire"), NUMBERS),
    st.tuples(st.just("move"), NUMBERS, st.sampled_from((0.0, 0.02, 0.4)), st.booleans()),
    st.just(("rollback",)),
)


def sids_of(generation):
    """Place -> its semantic ID, in the order of rows."""
    found = generation.sids()
    return {item: tuple(codes) for item, codes in zip(found.item_ids.tolist(), found.codes.tolist(), strict=True)}


def owners(generation):
    """Semantic ID -> the place that has it or left it; a semantic ID that occurs twice is an error."""
    rows = generation.slots().to_pylist()
    levels = [name for name in rows[0] if name.startswith("level_")]
    found = {tuple(row[name] for name in levels): row["item_id"] for row in rows}
    assert len(found) == len(rows)
    return found


def update_of(square, step, known, closed):
    """What a step asks for, `None` if none of its places can be meant."""
    kind, numbers = step[:2]
    if kind == "append":
        return Append(square.items(numbers), tokenizer=square.tokenizer)
    numbers = [n for n in numbers if f"p{n}" in known and not (kind == "move" and f"p{n}" in closed)]
    if not numbers:
        return None
    if kind == "retire":
        return Retire([f"p{n}" for n in numbers])
    return Move(square.items(numbers, step[2]), reassign=step[3], tokenizer=square.tokenizer)


def test_semantic_ids_say_of_which_generation_they_are(square, tmp_path):
    generations = square.published(tmp_path / "live")
    first = generations.current
    generations.retire(first.open_ids()[:1])
    second = generations.current
    for generation in (first, second):
        assert generation.sids().metadata["generation"] == generation.folder.name
    generations.rollback()
    assert SemanticIDs.read(tmp_path / "live").metadata["generation"] == first.folder.name == "000001"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(UPDATES, min_size=1, max_size=6), st.booleans())
def test_any_sequence_keeps_what_was_published(square, counted, steps, with_counter):
    city = counted if with_counter else square
    with tempfile.TemporaryDirectory() as folder:
        generations = city.published(folder)
        seen = {}
        for step in steps:
            before = generations.current
            old, held = sids_of(before), owners(before)
            seen[before.number] = (old, file_hash(before.folder / "manifest.json"))
            if step == ("rollback",):
                if before.manifest.parent is not None:
                    assert generations.rollback().number == before.manifest.parent
                    assert sids_of(generations.current) == seen[before.manifest.parent][0]
                continue
            closed = set(old) - set(before.open_ids())
            update = update_of(city, step, old, closed)
            if update is None:
                continue
            outcome = generations.update(update)
            after = generations.current
            new = sids_of(after)
            assert list(new)[: len(old)] == list(old)  # rows stay
            changed = {item for item in old if new[item] != old[item]}
            assert not changed or (step[0] == "move" and step[3] and changed <= {f"p{n}" for n in step[1]})
            assert len(set(new.values())) == len(new)
            assert {sid: owners(after)[sid] for sid in held} == held  # nobody else gets what was given
            if outcome.written is not None:
                assert after.number == max(generations.numbers) == outcome.written.number
                assert after.manifest.parent == before.number
            if step[0] == "append":
                assert {f"p{n}" for n in step[1]} <= set(after.open_ids())
            if step[0] == "retire":
                assert not {f"p{n}" for n in step[1]} & set(after.open_ids())
            assert generations.update(update).written is None  # again: nothing
            assert generations.current.number == after.number
        for number, (sids, manifest) in seen.items():
            one = generations[number]
            one.verify()
            assert sids_of(one) == sids
            assert file_hash(one.folder / "manifest.json") == manifest


def test_new_places_go_behind_in_the_order_of_their_table(square, tmp_path):
    generations = square.published(tmp_path)
    generations.append(square.items([30, 20, 25]), tokenizer=square.tokenizer)
    ids = generations.current.sids().item_ids.tolist()
    assert ids == [*(f"p{n}" for n in range(12)), "p30", "p20", "p25"]
    assert generations.current.delta().table["item_id"].to_pylist() == ["p30", "p20", "p25"]


def test_a_new_place_gets_its_own_cell_where_it_is_free(square, tmp_path):
    generations = square.published(tmp_path)
    taken = set(sids_of(generations.current).values())
    alone = square.tokenizer.tokenize(square.items([20]))
    cell = tuple(alone.codes[0].tolist())
    generations.append(square.items([20]), tokenizer=square.tokenizer)
    assert cell not in taken
    assert sids_of(generations.current)["p20"] == cell


def test_the_same_place_under_another_id_gets_another_semantic_id(square, tmp_path):
    """Also where the place that has the cell is retired."""
    generations = square.published(tmp_path)
    generations.retire(["p3"])
    twin = square.items([3]).to_frame().assign(item_id="twin").drop(columns="geometry")
    outcome = generations.append(Items.from_frame(twin), tokenizer=square.tokenizer)
    sids = sids_of(generations.current)
    assert sids["twin"] != sids["p3"]
    assert sum(outcome.change.told["displaced"]) == 1


def test_a_place_that_is_back_has_its_own_semantic_id(square, tmp_path):
    generations = square.published(tmp_path)
    own = sids_of(generations.current)["p5"]
    generations.retire(["p5"])
    assert "p5" not in generations.current.open_ids()
    assert sids_of(generations.current)["p5"] == own
    outcome = generations.append(square.items([5]), tokenizer=square.tokenizer)
    assert outcome.change.delta.counts == {"returned": 1}
    assert sids_of(generations.current)["p5"] == own
    assert "p5" in generations.current.open_ids()


def test_a_place_that_moves_keeps_its_semantic_id_unless_asked_and_may_come_back_to_it(square, tmp_path):
    generations = square.published(tmp_path)
    own = sids_of(generations.current)["p7"]
    away, home = square.items([7], north=0.5), square.items([7])
    told = generations.move(away, tokenizer=square.tokenizer).change.told["staleness"]
    assert sids_of(generations.current)["p7"] == own
    assert [row["places"] for row in told["by_level"]] == [1, 0, 0]
    degrees = abs(away.lat_deg[0] - home.lat_deg[0])
    assert told["by_level"][0]["km_mean"] == pytest.approx(degrees * np.pi / 180 * 6371.0088)
    outcome = generations.move(away, reassign=True, tokenizer=square.tokenizer)
    assert outcome.change.told["staleness"]["by_level"][0]["km_mean"] == pytest.approx(degrees * 111.195, rel=1e-4)
    there = sids_of(generations.current)["p7"]
    assert there[0] == int(away.lat_deg[0] * 4)
    assert owners(generations.current)[own] == owners(generations.current)[there] == "p7"
    generations.move(home, reassign=True, tokenizer=square.tokenizer)
    assert sids_of(generations.current)["p7"] == own
    assert owners(generations.current)[there] == "p7"


def test_who_moved_aside_for_another_is_not_out_of_date(square, tmp_path):
    """Places that share their cell: all but one have another code than their nearest, and none would change."""
    items = square.items(range(60))
    generations = Generations(tmp_path)
    sids = square.tokenizer.tokenize(items)
    assert sids.metadata["before_resolution"]["collision_rate"] > 0
    generations.publish(sids, items)
    told = generations.move(items, tokenizer=square.tokenizer).change.told
    assert told["same"] == 60
    assert sum(row["places"] for row in told["staleness"]["by_level"]) == 0


def test_a_renamed_place_is_told_as_such(square, tmp_path):
    generations = square.published(tmp_path)
    outcome = generations.move(square.items([1, 2], name="new "), tokenizer=square.tokenizer)
    assert outcome.change.delta.counts == {"renamed": 2}
    places = generations.current.register.places
    assert places["name"].to_pylist()[:4] == ["placep0", "new p1", "new p2", "placep3"]


def test_what_does_not_fit_is_refused_in_one_line(square, counted, tmp_path):
    generations = square.published(tmp_path)
    with pytest.raises(LgsidError, match=r"1 of 2 places are not published, first 'p77'; check their ids"):
        generations.retire(["p1", "p77"])
    with pytest.raises(LgsidError, match="`lgsid sids append` publishes them"):
        generations.move(square.items([1, 50]), tokenizer=square.tokenizer)
    generations.retire(["p1"])
    with pytest.raises(LgsidError, match="1 places are retired, first 'p1'"):
        generations.move(square.items([1]), tokenizer=square.tokenizer)
    with pytest.raises(LgsidError, match="published without a tokenizer"):
        generations.append(square.items([50]))
    with pytest.raises(LgsidError, match="not the one that they were made with"):
        generations.append(square.items([50]), tokenizer=counted.tokenizer)
    with pytest.raises(LgsidError, match="cannot have different semantic IDs"):
        generations.append(square.items(range(12, 120)), tokenizer=square.tokenizer)
    nowhere = square.items([50]).to_frame().assign(lat=np.nan, lon=np.nan).drop(columns="geometry")
    with pytest.raises(LgsidError, match="1 places have no coordinates, first 'p50'"):
        generations.append(Items.from_frame(nowhere), tokenizer=square.tokenizer)
    with pytest.raises(LgsidError, match="no generation 9"):
        generations.rollback(9)
    with pytest.raises(LgsidError, match="holds generations already"):
        square.published(tmp_path, range(5))
    generations.rollback()
    with pytest.raises(LgsidError, match="is the first one"):
        generations.rollback()
    assert generations.numbers == [1, 2]


def test_semantic_ids_that_places_share_are_not_published(square, tmp_path):
    items = square.items(range(3))
    shared = SemanticIDs(items.ids, np.array([[0, 0], [0, 1], [0, 1]]), (1, 2))
    with pytest.raises(LgsidError, match="2 of 3 places share theirs"):
        Generations(tmp_path / "root").publish(shared, items)
    assert not (tmp_path / "root").exists()


def test_a_folder_of_something_else_is_not_taken(square, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(LgsidError, match=r"is not empty \(notes.txt is there\)"):
        square.published(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_root_and_a_generation_are_semantic_ids_wherever_a_file_is(square, tmp_path):
    generations = square.published(tmp_path)
    first = generations.current
    generations.append(square.items([20]), tokenizer=square.tokenizer)
    assert len(SemanticIDs.read(tmp_path)) == 13
    assert len(SemanticIDs.of(str(first.folder))) == 12
    generations.rollback()
    assert len(SemanticIDs.of(tmp_path)) == 12
    (first.folder / "manifest.json").unlink()
    with pytest.raises(LgsidError, match="not a complete generation"):
        SemanticIDs.read(first.folder)
    with pytest.raises(LgsidError, match="current: damaged"):
        SemanticIDs.read(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LgsidError, match=r"a folder without sids\.parquet"):
        SemanticIDs.read(tmp_path / "empty")


def test_both_tables_say_the_same(square, tmp_path):
    generations = square.published(tmp_path)
    generations.retire(["p2"])
    folder = generations.current.folder
    sids, slots = pq.read_table(folder / "sids.parquet"), pq.read_table(folder / "slots.parquet")
    levels = ["level_1", "level_2", "level_3"]
    by_place = {tuple(row[level] for level in levels): row["item_id"] for row in sids.to_pylist()}
    by_slot = {tuple(row[level] for level in levels): row["item_id"] for row in slots.to_pylist()}
    assert by_place == by_slot
    assert list(by_slot) == sorted(by_slot)
    assert [row["item_id"] for row in slots.to_pylist() if row["state"] == "retired"] == ["p2"]
    assert (folder / "open.txt").read_text().split() == [f"p{n}" for n in range(12) if n != 2]


@pytest.mark.parametrize("name", ["sids.parquet", "slots.parquet", "delta.parquet", "capacity.json", "open.txt"])
def test_a_changed_file_is_found(square, tmp_path, name):
    generations = square.published(tmp_path)
    file = generations.current.folder / name
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(LgsidError, match=f"damaged: {name} differs"):
        generations.current.verify()
    if name in ("sids.parquet", "slots.parquet"):
        with pytest.raises(LgsidError, match=f"damaged: {name} differs"):
            generations.retire(["p1"])


def test_a_changed_manifest_is_refused(square, tmp_path):
    generations = square.published(tmp_path)
    path = generations.current.folder / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "parent": 7}))
    with pytest.raises(LgsidError, match=r"manifest\.json: damaged"):
        Generation(tmp_path, 1)
    path.write_text(json.dumps({"digest": content["digest"]}))
    with pytest.raises(LgsidError, match=r"manifest\.json: damaged"):
        Generation(tmp_path, 1)


def test_publishing_the_same_again_changes_nothing(square, tmp_path):
    generations = square.published(tmp_path)
    items = square.items(range(12))
    outcome = generations.publish(square.tokenizer.tokenize(items), items)
    assert outcome.written is None
    assert generations.numbers == [1]
    assert [path.name for path in sorted(Path(tmp_path).iterdir())] == ["000001", "current"]
