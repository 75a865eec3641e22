"""`lgsid recommend`: who, when, where from; what is printed; what is refused."""

import io
import json
import logging
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import torch
from rich.console import Console

from lgsid import checkpoints
from lgsid.artefacts import Dataset, Interactions, Items, SemanticIDs
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.datamodules import CTRData, SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import (
    TIGER,
    Among,
    EvidenceNetwork,
    InPolygon,
    InRegions,
    LiveRecommender,
    OfCategories,
    PlaceGenerator,
    Recommendation,
    Recommendations,
)
from lgsid.recommenders.click import DIN, NoSids
from lgsid.recommenders.counting import NewPlaceFloor, TimeTransition
from lgsid.recommenders.live import recommend
from lgsid.testing import quiet_trainer, toy_city

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
TRAINER = {"max_epochs": 1, "limit_train_batches": 1}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A dataset, and checkpoints of a counting model and of a DIN with semantic IDs."""
    folder = tmp_path_factory.mktemp("city")
    data = toy_city(folder=folder / "data")
    n = len(data.items)
    SemanticIDs(data.items.ids, np.stack([np.arange(n) % 7, np.arange(n)], 1), (7, n)).write(folder / "sids.parquet")
    sequences = SequenceData(str(folder / "data"), max_history=1000)
    samples = CTRData(str(folder / "data"), str(folder / "sids.parquet"), max_history=10)
    for name, model, served in (
        ("counting", TimeTransition(), sequences),
        ("floor", NewPlaceFloor(), sequences),
        ("din", DIN(), samples),
    ):
        trainer = quiet_trainer(**TRAINER)
        trainer.fit(model, datamodule=served)
        trainer.save_checkpoint(folder / f"{name}.ckpt")
    return folder


@pytest.fixture(scope="module")
def data(town):
    return Dataset.read(town / "data")


@pytest.fixture(scope="module")
def log(data):
    return CheckInLog.of(data)


def ask(town, model="counting", **options):
    return recommend(town / f"{model}.ckpt", town / "data", **options)


def somebody(data, log):
    """The user of the last check-in."""
    return str(data.user_ids[log.user[-1]])


@pytest.mark.parametrize("model", ["counting", "floor"])
def test_a_stripped_model_recommends_the_same_and_knows_no_order_of_check_ins(town, data, tmp_path, model):
    whole, stripped = checkpoints.load(town / f"{model}.ckpt"), checkpoints.load(town / f"{model}.ckpt")
    stripped.forget_check_ins()
    checkpoints.save(stripped, tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt")
    answers = [LiveRecommender(one, data) for one in (whole, loaded)]
    for user in data.user_ids:
        first, second = (one.recommend(user=str(user), k=20).items for one in answers)
        assert first == second
    assert not len(loaded.row_moment) + len(loaded.row_phase)
    with pytest.raises(LgsidError, match="stripped of check-ins"):
        quiet_trainer(**TRAINER).test(loaded, SequenceData(str(town / "data")))
    if model == "counting":
        steps = list(zip(loaded.step_origin.tolist(), loaded.step_place.tolist(), strict=True))
        assert steps == sorted(zip(whole.step_origin.tolist(), whole.step_place.tolist(), strict=True))
        assert not loaded.step_moment.any()


@pytest.mark.parametrize("model", ["counting", "floor", "din"])
def test_a_user_gets_places_best_first(town, data, log, model):
    user = somebody(data, log)
    found = ask(town, model, user=user, k=7)
    ids = [item.item_id for item in found.items]
    assert len(set(ids)) == 7
    assert set(ids) <= set(data.items.ids)
    assert [item.rank for item in found.items] == list(range(1, 8))
    scores = [item.score for item in found.items]
    assert scores == sorted(scores, reverse=True)
    place = data.items.frame.set_index("item_id").loc[ids[0]]
    assert (found.items[0].name, found.items[0].category) == (place["name"], place["category"])
    assert bool(found.items[0].sid) == (model == "din")
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [item["item_id"] for item in again["items"]] == ids
    assert again["user"] == user


def test_a_past_moment_is_answered_as_the_test_asks_it(town, data, log):
    """At the second of a check-in the answer is that of the query there, though the log knows what came later."""
    row = len(log) - 30
    local = datetime.fromtimestamp(log.time_s[row], tz=timezone.utc).replace(tzinfo=None)
    local = local + timedelta(hours=(float(log.hour[row]) - local.hour + 11) % 24 - 11)
    found = ask(town, user=str(data.user_ids[log.user[row]]), at=local, k=9)
    batch = sequence_batch(log, np.array([row]))
    expected = checkpoints.load(town / "counting.ckpt").rank(batch, 9).items[0]
    assert [item.item_id for item in found.items] == data.items.ids[expected.numpy()].tolist()
    zone = timezone(timedelta(seconds=round(local.replace(tzinfo=timezone.utc).timestamp() - log.time_s[row])))
    assert ask(town, user=found.user, at=local.replace(tzinfo=zone).isoformat(), k=9).items == found.items


def test_the_end_of_the_log_is_after_everything(town, data, log):
    user = somebody(data, log)
    row = int(np.flatnonzero(log.user == log.user[-1])[-1])
    last = data.items.ids[log.item[row]]
    found = ask(town, user=user, k=len(data.items))
    assert next(i.km for i in found.items if i.item_id == last) == 0


def test_a_history_works_without_a_user(town, data):
    history = data.items.ids[[3, 8, 3]].tolist()
    found = ask(town, history=history, k=3)
    assert found.user is None
    assert found.items[0].item_id == history[1]  # the last place is not where people go next
    assert ask(town, "din", history=history, k=3).items[0].km is not None


def test_nobody_known_gets_what_is_popular(town, data):
    found = ask(town, k=4)
    model = checkpoints.load(town / "counting.ckpt")
    best = model.popularity[1].argsort(descending=True, stable=True)[:4]
    assert [item.item_id for item in found.items] == data.items.ids[best.numpy()].tolist()
    assert all(item.km is None for item in found.items)


def test_radius_and_new_only_are_kept(town, data, log):
    user, n = somebody(data, log), len(data.items)
    near = (float(data.items.lat_deg[5]), float(data.items.lon_deg[5]))
    found = ask(town, user=user, near=near, radius_km=0.8, k=n)
    assert data.items.ids[5] in {item.item_id for item in found.items}
    assert all(item.km <= 0.8 for item in found.items)
    assert len(found.items) < n
    visited = set(data.items.ids[log.item[log.user == log.user[-1]]])
    assert not visited & {item.item_id for item in ask(town, user=user, new_only=True, k=n).items}
    assert len(ask(town, user=user, k=10 * n).items) == n


def close_to(data, row):
    """A position some meters from an item, and the row of the item nearest to it."""
    lat, lon = float(data.items.lat_deg[row]) + 1e-5, float(data.items.lon_deg[row])
    km = np.hypot(data.items.lat_deg - lat, (data.items.lon_deg - lon) * np.cos(np.radians(lat)))
    return (lat, lon), int(km.argmin())


def listed(found):
    return [(item.item_id, item.score) for item in found.items]


@pytest.mark.parametrize("model", ["counting", "din"])
def test_a_position_is_told_to_the_model_as_a_visit_to_the_nearest_place(town, data, log, model):
    near, here = close_to(data, 5)
    ids, at, n = data.items.ids, "2012-12-31T19:00", len(data.items)
    assert listed(ask(town, model, near=near, at=at, k=n)) == listed(ask(town, model, history=[ids[here]], at=at, k=n))
    assert listed(ask(town, model, near=near, at=at, k=n)) != listed(ask(town, model, at=at, k=n))
    been = [(ids[row], f"2012-12-31T{hour}:00") for row, hour in ((30, 15), (12, 16))]
    told = [*been, (ids[here], "2012-12-31T18:00")]
    found = ask(town, model, history=been, near=near, at=at, k=n)
    assert listed(found) == listed(ask(town, model, history=told, at=at, k=n))
    # Those who were on their way within the hour are there after that.
    late = [*been, (ids[30], "2012-12-31T18:30")]
    told = [*late, (ids[here], "2012-12-31T18:30")]
    assert listed(ask(town, model, history=late, near=near, at=at, k=n)) == listed(
        ask(town, model, history=told, at=at, k=n)
    )


def test_who_is_told_to_be_somewhere_has_not_visited_it(town, data):
    near, here = close_to(data, 5)
    found = ask(town, near=near, k=len(data.items))
    (there,) = [item for item in found.items if item.item_id == data.items.ids[here]]
    assert found.standing_at == there.item_id
    assert ask(town, k=1).standing_at is None
    assert there.visits == 0
    assert "visited" not in there.why
    assert there.km < 0.01
    new = ask(town, near=near, new_only=True, k=len(data.items))
    assert {item.item_id for item in found.items} - {item.item_id for item in new.items} == {there.item_id}
    assert any("from here" in item.why for item in found.items)


def test_a_position_at_the_last_place_or_far_from_any_changes_nothing(town, data):
    near, here = close_to(data, 5)
    history, n = [data.items.ids[12], data.items.ids[here]], len(data.items)
    for position in (near, (float(data.items.lat_deg.max()) + 0.02, near[1])):
        assert listed(ask(town, history=history, near=position, k=n)) == listed(ask(town, history=history, k=n))


def filters_of(data, tmp_path):
    """Filter -> mask of the items by a loop."""
    frame = data.items.frame
    kinds, regions = sorted(set(frame["category"]))[:3], sorted(set(frame["region_2"]))[:2]
    area = shapely.box(frame["lon"].min(), frame["lat"].min(), frame["lon"].median(), frame["lat"].max())
    ids = data.items.ids[::4].tolist()
    (tmp_path / "open.txt").write_text("\n".join([*ids, "", "unknown"]))
    geopandas.GeoDataFrame(geometry=[area], crs=4326).to_file(tmp_path / "area.geojson", driver="GeoJSON")
    return [
        (OfCategories(kinds), frame["category"].isin(kinds)),
        (OfCategories([frame["category_group"][0]]), frame["category_group"] == frame["category_group"][0]),
        (InRegions(regions), frame["region_2"].isin(regions)),
        (InPolygon.of_file(tmp_path / "area.geojson"), frame["lon"] <= frame["lon"].median()),
        (Among.of_file(tmp_path / "open.txt"), frame["item_id"].isin(ids)),
    ]


def test_filters_hold_exactly(town, data, log, tmp_path):
    user, n = somebody(data, log), len(data.items)
    everything = [item.item_id for item in ask(town, user=user, k=n).items]
    given = filters_of(data, tmp_path)
    for constraint, mask in given:
        passing = set(data.items.ids[np.asarray(mask)])
        assert 0 < len(passing) < n
        found = [item.item_id for item in ask(town, user=user, k=n, filters=[constraint]).items]
        assert found == [item for item in everything if item in passing]
    together = set(data.items.ids[np.logical_and.reduce([np.asarray(mask) for _, mask in given[2:]])])
    found = ask(town, user=user, k=n, filters=[constraint for constraint, _ in given[2:]])
    assert {item.item_id for item in found.items} == together


def test_an_area_in_a_request_is_the_area_in_a_file(data, tmp_path):
    lat, lon = data.items.lat_deg, data.items.lon_deg
    boxes = [shapely.box(lon.min(), lat.min(), np.median(lon), np.median(lat)), shapely.box(0, 0, 1, 1)]
    geopandas.GeoSeries(boxes, crs="EPSG:4326").to_file(tmp_path / "area.geojson", driver="GeoJSON")
    content = json.loads((tmp_path / "area.geojson").read_text())
    expected = InPolygon.of_file(tmp_path / "area.geojson").allowed(data.items)
    assert 0 < expected.sum() < len(data.items)
    for part in (content, content["features"][0], content["features"][0]["geometry"]):
        assert np.array_equal(InPolygon.of_geojson(part).allowed(data.items), expected)


def test_where_fewer_than_k_pass_exactly_those_come_back(town, data):
    row = np.arange(len(data.items))
    sids = SemanticIDs(data.items.ids, np.stack([row % 7, row], 1), (7, len(row)))
    sequences = SequenceData(str(town / "data"), sids)
    t5 = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
    for model in (TIGER(t5, beam_width=4), PlaceGenerator(t5, evidence=EvidenceNetwork(hidden=4), beam_width=4)):
        quiet_trainer(**TRAINER, limit_val_batches=0).fit(model, sequences)
        live = LiveRecommender(model, Dataset.read(town / "data"))
        for ids in (data.items.ids[[3]], data.items.ids[[50, 3, 29, 8, 17]]):
            found = live.recommend(history=data.items.ids[:3].tolist(), k=10, filters=[Among(ids)])
            assert sorted(item.item_id for item in found.items) == sorted(ids)
            assert all(0 <= item.probability <= 1 for item in found.items)


def test_what_speaks_for_a_place_is_said(town, data, log):
    user, n = log.user[-1], len(data.items)
    found = ask(town, user=str(data.user_ids[user]), k=n)
    own = [int(item) for item in log.item[log.user == user]]
    row_of = {item: row for row, item in enumerate(data.items.ids)}
    steps = np.zeros(n, dtype=int)
    for other in range(int(log.user.max()) + 1):
        path = [int(item) for item in log.item[log.user == other]]
        if other != user:
            for first, second in pairwise(path):
                steps[second] += first == own[-1]
    for item in found.items:
        row = row_of[item.item_id]
        expected = [f"visited {own.count(row)}x"] if row in own else []
        expected += [f"{steps[row]} from here"] if steps[row] else []
        expected += ["near"] if item.km <= 0.5 else []
        assert item.why == ", ".join(expected)
        assert item.visits == own.count(row)
        assert item.probability is None
    assert any("visited" in item.why for item in found.items)
    assert any("from here" in item.why for item in found.items)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": [OfCategories(["Cafee"])]}, "category 'Cafee' is not in the dataset; "),
        ({"filters": [InRegions(["Nowhere"])]}, "region 'Nowhere' is not in the dataset; "),
        ({"filters": [Among(["nothing"])]}, "no place passes: the list of 1 ids"),
        ({"filters": [InPolygon(shapely.box(0, 0, 1, 1))]}, "no place passes: the area within 0.0000,0.0000 and"),
        ({"user": "nobody"}, "user 'nobody' is not in the dataset"),
        ({"history": ["nowhere"]}, "item 'nowhere' is not in the dataset"),
        ({"user": "x", "history": ["y"]}, "not both"),
        ({"k": 0}, "at least one"),
        ({"at": "yesterday"}, "not a time"),
        ({"radius_km": 1.0}, "from where"),
        ({"near": (91.0, 0.0)}, "latitude must be"),
        ({"near": (40.0, float("nan"))}, "latitude must be"),
        ({"near": (0.0, 0.0), "radius_km": -1.0}, "must be positive"),
        ({"near": (0.0, 0.0), "radius_km": float("nan")}, "must be positive"),
        ({"near": (0.0, 0.0), "radius_km": 1.0}, r"no place within 1 km; the nearest is \d+"),
    ],
)
def test_mistakes_get_one_line(town, options, message):
    with pytest.raises(LgsidError, match=message) as caught:
        ask(town, **options)
    assert "\n" not in str(caught.value)


def test_nothing_new_is_left(town, data):
    with pytest.raises(LgsidError, match="been to every place"):
        ask(town, history=data.items.ids.tolist(), new_only=True)
    with pytest.raises(LgsidError, match="NewPlaceFloor has no place"):
        ask(town, "floor", history=data.items.ids.tolist())


def test_files_that_are_no_recommender_are_refused(town, tmp_path):
    with pytest.raises(LgsidError, match="no such checkpoint"):
        checkpoints.load(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("hello")
    with pytest.raises(LgsidError, match="not a readable checkpoint"):
        checkpoints.load(tmp_path / "text.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(LgsidError, match="not a checkpoint of an lgsid module"):
        checkpoints.load(tmp_path / "other.ckpt")
    other = toy_city(n_items=50, folder=tmp_path / "other")
    assert len(other.items) == 50
    with pytest.raises(LgsidError, match="not those of this dataset"):
        recommend(town / "counting.ckpt", tmp_path / "other")


def test_a_model_built_in_python_is_served_like_the_one_in_memory(town, tmp_path):
    trainer, model = quiet_trainer(**TRAINER), DIN(NoSids(), width=8)
    trainer.fit(model, datamodule=CTRData(str(town / "data"), str(town / "sids.parquet"), max_history=5))
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    served = LiveRecommender(tmp_path / "model.ckpt", town / "data")
    in_memory = LiveRecommender(model, Dataset.read(town / "data"))
    for user in in_memory.dataset.user_ids[:5]:
        assert served.recommend(user).items == in_memory.recommend(user).items


def test_many_queries_are_answered_without_reading_anything_again(town, data, monkeypatch):
    live = LiveRecommender(town / "counting.ckpt", town / "data")
    users = data.user_ids[:4].tolist()
    monkeypatch.setattr("lgsid.checkpoints.load", None)
    monkeypatch.setattr(Dataset, "read", None)
    answers = [live.recommend(user=user, k=3) for user in users]
    assert [answer.user for answer in answers] == users
    assert live.recommend(user=users[0], k=3).items == answers[0].items  # nothing is left of earlier queries


def moved(data, folder):
    """The same dataset with one place moved along its parallel, so that all latitudes stay."""
    frame = data.items.frame.drop(columns="geometry")
    frame.loc[0, "lon"] += 0.01
    Dataset(Items.from_frame(frame), data.interactions, dict(data.report)).write(folder)


def relabelled(data, folder):
    """The same positions with the ids of two places swapped."""
    frame = data.items.frame.drop(columns="geometry")
    frame.loc[[0, 1], "item_id"] = frame.loc[[1, 0], "item_id"].to_numpy()
    Dataset(Items.from_frame(frame), data.interactions, dict(data.report)).write(folder)


@pytest.mark.parametrize("other", [moved, relabelled])
@pytest.mark.parametrize("written", [True, False])
def test_other_coordinates_or_ids_are_refused(town, data, tmp_path, other, written):
    other(data, tmp_path)
    changed = Dataset.read(tmp_path)
    if not written:
        changed = Dataset(changed.items, changed.interactions, {})
    with pytest.raises(LgsidError, match="not those of this dataset"):
        LiveRecommender(town / "counting.ckpt", changed)


def test_other_check_ins_at_the_same_places_are_refused_by_the_hash(town, data, tmp_path):
    fewer = Dataset(data.items, Interactions(data.interactions.frame[:-5]), dict(data.report))
    fewer.write(tmp_path)
    with pytest.raises(LgsidError, match="other tables"):
        LiveRecommender(town / "counting.ckpt", tmp_path)


def test_an_untrained_model_is_refused(data):
    with pytest.raises(LgsidError, match="not trained yet"):
        LiveRecommender(DIN(), data)


def test_loading_and_answering_print_nothing(town, capfd, recwarn):
    ask(town, "din", user=None)
    assert capfd.readouterr() == ("", "")
    assert [str(w.message) for w in recwarn] == []


@pytest.mark.parametrize("model", ["counting", "din"])
def test_the_table_fits_into_eighty_columns(town, data, log, model):
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(ask(town, model, user=somebody(data, log), k=12))
    lines = console.export_text().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert len(lines) == 14
    heading = ["#", "item", "place", "category", "region", "km", "score", *(["SID"] if model == "din" else []), "why"]
    assert lines[1].split() == heading
    assert lines[2].split()[0] == "1"


def test_a_place_without_a_name_shows_its_category_and_id(tmp_path):
    places = {"item_id": ["a[b]", "c"], "name": ["", "Joe's [bold]"], "category": ["Bar", ""], "category_group": ""}
    items = Items.from_frame(pd.DataFrame({**places, "brand": "", "lat": [40.0, 40.001], "lon": -74.0}))
    time = pd.Timestamp("2012-04-03T12:00", tz="UTC") + pd.to_timedelta(np.arange(6), unit="h")
    log = {"user_id": "u", "item_id": ["a[b]", "c"] * 3, "time": time, "hour": time.hour, "weekday": 1}
    log["split"] = ["train"] * 4 + ["val", "test"]
    Dataset(items, Interactions(pd.DataFrame(log)), {"split": "temporal"}).write(tmp_path / "data")
    trainer = quiet_trainer(**TRAINER)
    trainer.fit(TimeTransition(), datamodule=SequenceData(str(tmp_path / "data")))
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    found = recommend(tmp_path / "model.ckpt", tmp_path / "data", user="u")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(found)
    assert "Joe's [bold]" in console.export_text()
    assert "a[b]" in repr(found)


@pytest.mark.parametrize("length", [24, 70, 120])
def test_item_ids_are_never_cut(length):
    ids = [f"{row:0{length}d}" for row in range(3)]
    items = tuple(
        Recommendation(i + 1, ids[i], "A long name of a place", "Café", "Midtown", 1.5, 0.25) for i in range(3)
    )
    text = repr(Recommendations("TIGER", "u", "2012-10-05T19:00", items))
    assert all(item in text for item in ids)
    assert max(map(len, text.splitlines())) <= max(80, length + 40)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(Recommendations("TIGER", "u", "2012-10-05T19:00", items))
    assert console.export_text().count("0") >= sum(item.count("0") for item in ids)  # folded, not cut


def test_recommendations_are_a_data_frame_and_html(town, data, log):
    found = ask(town, "din", user=somebody(data, log), k=4)
    frame = found.to_frame()
    named = ["rank", "item_id", "name", "category", "region", "km", "score", "sid", "visits", "probability", "why"]
    assert list(frame.columns) == named
    assert frame["item_id"].tolist() == [item.item_id for item in found.items]
    assert frame["km"].dtype == float
    assert len(found) == len(frame) == 4
    html = found._repr_html_()
    assert html.count("<tr") == 5
    assert "-".join(map(str, found.items[0].sid)) in html
