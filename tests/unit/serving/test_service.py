"""The service in process: answers against brute force, batches against single requests, swaps."""

import json
import threading

import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import Dataset, Embeddings, SemanticIDs
from lgsid.errors import LgsidError
from lgsid.generations import Generations
from lgsid.recommenders import LiveRecommender
from lgsid.serving import Limits, ModelFiles, Service
from lgsid.serving import schemas as s
from lgsid.serving.refused import Refused
from lgsid.testing import toy_city
from lgsid.tokenizers import Tokenizer


@pytest.fixture(scope="module")
def items(service):
    return service.slot("tiger")[1].model.items


def far_km(items, row):
    """The distances of all places from one, by the haversine formula."""
    lat, lon = np.radians(items.lat_deg), np.radians(items.lon_deg)
    part = np.sin((lat - lat[row]) / 2) ** 2 + np.cos(lat) * np.cos(lat[row]) * np.sin((lon - lon[row]) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(part))


def test_a_run_gives_its_recommenders_with_what_belongs_to_them(run, files):
    assert list(files) == ["floor", "generator", "tiger"]  # no click model, no tokenizer, no aligner
    found = files["tiger"]
    assert found.dataset == run / "data"
    assert found.tokenizer == run / "tokenize" / "model.ckpt"
    assert found.encoder == run / "align" / "model.ckpt"
    assert files["floor"].sids is None
    with pytest.raises(LgsidError, match="no recommender in it"):
        ModelFiles.of_run(run / "data")
    with pytest.raises(LgsidError, match=r"rank_with .*: no such file"):
        ModelFiles.of(run / "tiger", rank_with=run / "nothing")


@pytest.mark.parametrize("name", ["generator", "floor"])
def test_answers_are_those_of_the_live_recommender(service, run, items, name):
    history = items.ids[[3, 9, 9, 20]].tolist()
    live = LiveRecommender(run / name, run / "data").recommend(history=history, near=(40.7, -74.0), k=7, new_only=True)
    filters = s.Filters(new_only=True)
    request = s.RecommendRequest(model=name, history=history, latitude=40.7, longitude=-74.0, k=7, filters=filters)
    found = service.recommend(request)
    assert [place.item for place in found.places] == [place.item_id for place in live.items]
    assert [place.score for place in found.places] == pytest.approx([place.score for place in live.items])
    assert [place.sid for place in found.places] == [list(place.sid) for place in live.items]
    assert found.served_by.model == name
    assert found.at == live.at


def asked(service, items):
    """Requests of many kinds: users, histories long and short, with times, filters, errors."""
    users = service.slot(None)[1].model.live.dataset.user_ids
    category = next(name for name in items.texts("category") if name)
    return [
        *(s.RecommendRequest(model=model, user=str(users[0]), k=k) for model in ("generator", "tiger") for k in (3, 9)),
        s.RecommendRequest(model="generator", k=9),
        s.RecommendRequest(model="generator", history=items.ids[:12].tolist(), k=9),
        s.RecommendRequest(model="generator", history=items.ids[5:7].tolist(), k=9, rerank=True),
        s.RecommendRequest(model="generator", user=str(users[1]), k=9, time="2024-02-01T08:00"),
        s.RecommendRequest(model="generator", user=str(users[1]), k=9, radius_km=0.7),
        s.RecommendRequest(model="floor", user=str(users[2]), k=9, filters=s.Filters(category=[category])),
        s.RecommendRequest(model="generator", user="nobody", k=9),
        s.RecommendRequest(model="nothing", k=9),
        s.RecommendRequest(model="generator", user=str(users[3]), k=9, filters=s.Filters(among=items.ids[:4].tolist())),
    ]


def test_requests_answered_together_are_answered_as_alone(service, items):
    requests = asked(service, items)
    together = service.reply(requests)
    for request, reply in zip(requests, together, strict=True):
        (alone,) = service.reply([request])
        assert alone.status == reply.status
        one, other = json.loads(alone.body), json.loads(reply.body)
        if alone.status != 200:
            assert one == other
            continue
        assert [place["item"] for place in one["places"]] == [place["item"] for place in other["places"]]
        for name in ("score", "km"):
            values = [
                [np.nan if place[name] is None else place[name] for place in got["places"]] for got in (one, other)
            ]
            np.testing.assert_allclose(*values, rtol=1e-4)
    assert {reply.status for reply in together} == {200, 404}
    assert all(reply.batch == len(requests) for reply in together)


def test_histories_with_times_are_put_in_order(service, items):
    times = ["2024-02-03T10:00", "2024-02-01T10:00", "2024-02-02T10:00"]
    pairs = list(zip(items.ids[[4, 5, 6]].tolist(), times, strict=True))

    def listed(visits):
        request = s.RecommendRequest(model="generator", history=visits, time="2024-02-04T10:00", k=9)
        return [(place.item, place.score) for place in service.recommend(request).places]

    assert listed(pairs) == listed(sorted(pairs, key=lambda pair: pair[1]))
    with pytest.raises(LgsidError, match="after the time of the query"):
        service.recommend(s.RecommendRequest(history=pairs, time="2024-02-02T12:00"))
    with pytest.raises(LgsidError, match="all of them one, or none"):
        service.recommend(s.RecommendRequest(history=[*pairs, "p00001"], time="2024-03-04T10:00"))


def test_similar_by_codes_and_by_vectors_is_brute_force(service, run, items):
    row = 17
    codes = SemanticIDs.read(run / "tokenize" / "sids.parquet").for_items(items)
    vectors = Embeddings.read(run / "align" / "embeddings.parquet").for_items(items)
    km = far_km(items, row)
    shared = [next((n for n in range(3) if codes[other, n] != codes[row, n]), 3) for other in range(len(items))]
    cosine = vectors @ vectors[row] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vectors[row])
    others = [other for other in range(len(items)) if other != row]
    by_codes = sorted(others, key=lambda other: (-shared[other], km[other]))[:8]
    by_vectors = sorted(others, key=lambda other: -cosine[other])[:8]
    for by, expected in (("sid", by_codes), ("vector", by_vectors)):
        found = service.similar(s.SimilarRequest(model="tiger", item=items.ids[row], k=8, by=by))
        assert [place.item for place in found.places] == items.ids[expected].tolist()
        assert [place.km for place in found.places] == pytest.approx(km[expected], rel=1e-5)
        assert [place.shared_codes for place in found.places] == [shared[other] for other in expected]
        assert [place.cosine for place in found.places] == pytest.approx(cosine[expected], rel=1e-4)
    with pytest.raises(LgsidError, match="has no semantic IDs"):
        service.similar(s.SimilarRequest(model="floor", item=items.ids[row]))
    with pytest.raises(LgsidError, match="without vectors"):
        service.similar(s.SimilarRequest(model="floor", item=items.ids[row], by="vector"))


def test_a_place_told_anew_gets_its_own_codes_and_the_nearest_free_last_one(service, run, items):
    tokenizer = checkpoints.load(run / "tokenize" / "model.ckpt", Tokenizer)
    vectors = Embeddings.read(run / "align" / "embeddings.parquet")
    sids = SemanticIDs.read(run / "tokenize" / "sids.parquet").for_items(items)
    with torch.no_grad():
        batch = tokenizer.batch_of(items, vectors)
        raw = tokenizer.encode(batch).numpy()
    without_brand = [row for row in range(len(items)) if not items.texts("brand")[row]][:6]
    for row in without_brand:
        request = s.EncodeRequest(
            model="tiger",
            name=items.texts("name")[row],
            category=items.texts("category")[row],
            latitude=items.lat_deg[row],
            longitude=items.lon_deg[row],
        )
        found = service.encode(request)
        assert found.nearest_sid == raw[row].tolist()
        assert found.regions_of == items.ids[row]
        assert found.known_category
        taken = {tuple(sid) for sid in sids.tolist()}
        with torch.no_grad():
            codes = torch.from_numpy(raw[row : row + 1, :2])
            distance = tokenizer.distances(batch.take(torch.tensor([row])), codes, 2)[0].tolist()
        free = [code for code in range(24) if (*raw[row, :2].tolist(), code) not in taken]
        assert found.sid == [*raw[row, :2].tolist(), min(free, key=lambda code: distance[code])]
        assert found.neighbors[0].shared_codes >= 2
    with pytest.raises(LgsidError, match="no tokenizer"):
        service.encode(s.EncodeRequest(model="floor", latitude=0, longitude=0))


def test_an_explanation_counts_what_the_log_has(service, items):
    model = service.slot("floor")[1].model
    log, user = model.live.log, 2
    own = log.item[log.user == user]
    row = int(np.bincount(own).argmax())
    query = {"model": "floor", "user": str(model.live.dataset.user_ids[user])}
    found = service.explain(s.ExplainRequest(**query, item=items.ids[row], radius_km=1e-6))
    reasons = {reason.kind: reason for reason in found.reasons}
    assert reasons["visits"].value == (own == row).sum()
    assert reasons["popularity"].value == (log.item[log.split == "train"] == row).sum()
    kinds = items.texts("category")
    assert reasons["category"].value == pytest.approx((kinds[own] == kinds[row]).mean())
    assert found.km == pytest.approx(far_km(items, int(own[-1]))[row], rel=1e-5)
    assert bool(found.excluded_by) == (found.km > 1e-6)
    listed = service.recommend(s.RecommendRequest(**query, k=50))
    for place in listed.places[:5]:
        told = service.explain(s.ExplainRequest(**query, item=place.item))
        assert told.rank == place.rank
        assert told.score == pytest.approx(place.score)
        assert not told.excluded_by


def test_a_place_that_does_not_pass_is_said_and_ranked_all_the_same(service, items):
    names = items.texts("category")
    row = 0
    other = next(name for name in names if name not in ("", names[row]))
    query = {"model": "floor", "history": [items.ids[1]], "filters": s.Filters(category=[other]), "radius_km": 1e-3}
    found = service.explain(s.ExplainRequest(**query, item=items.ids[row]))
    assert found.excluded_by == [f"within 0.001 km: it is {far_km(items, 1)[row]:.3g} km away", f"category {other}"]
    near = far_km(items, 1) <= 1e-3
    assert found.of == 1 + sum(near & (names == other))
    assert 1 <= found.rank <= found.of
    query = {"model": "generator", "history": [items.ids[row]], "filters": s.Filters(new_only=True)}
    found = service.explain(s.ExplainRequest(**query, item=items.ids[row]))
    assert found.excluded_by == ["new places only: the user has been there"]
    assert found.of == len(items)


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (404, s.SimilarRequest(item="nowhere")),
        (404, s.RecommendRequest(user="nobody")),
        (404, s.RecommendRequest(model="nothing")),
        (404, s.ExplainRequest(item="nowhere")),
        (404, s.RollbackRequest(model="nothing")),
        (422, s.RecommendRequest(history=["nowhere"])),
        (422, s.RecommendRequest(k=51)),
        (422, s.SimilarRequest(item="p00001", k=51)),
        (422, s.RecommendRequest(history=["p00001"] * 21)),
        (422, s.RecommendRequest(latitude=1)),
        (422, s.RecommendRequest(user="u0001", history=["p00001"])),
        (422, s.RecommendRequest(time="noon")),
        (422, s.RecommendRequest(radius_km=1e-9, latitude=1, longitude=1)),
        (422, s.RecommendRequest(filters=s.Filters(area={"type": "Point", "coordinates": [1, 2]}))),
        (422, s.RecommendRequest(filters=s.Filters(area={"type": "Polygon", "coordinates": [[[0, 0], [0, 1]]]}))),
        (422, s.RecommendRequest(filters=s.Filters(category=["No such thing"]))),
        (422, s.SwapRequest(model="tiger", checkpoint="/nowhere")),
        (422, s.RollbackRequest(model="tiger")),
    ],
    ids=lambda value: value.model_dump_json(exclude_defaults=True) if isinstance(value, s.Request) else None,
)
def test_mistakes_get_one_line_and_a_status(service, status, request_):
    (reply,) = service.reply([request_])
    content = json.loads(reply.body)
    assert list(content) == ["error"]
    assert "\n" not in content["error"]
    assert reply.status in (status, 404 if request_.model_dump().get("user") == "u0001" else status)


def test_an_error_of_ours_hits_one_request_only(service, items, monkeypatch):
    prepare = LiveRecommender.prepare

    def broken(self, query):
        if query.k == 13:
            raise ZeroDivisionError("of user u0007")
        return prepare(self, query)

    monkeypatch.setattr(LiveRecommender, "prepare", broken)
    good, bad = service.reply([s.RecommendRequest(k=4), s.RecommendRequest(k=13)])
    assert good.status == 200
    assert bad.status == 500
    assert json.loads(bad.body)["error"].startswith("internal error (ZeroDivisionError)")
    assert b"u0007" not in bad.body


def test_retired_places_are_not_proposed_and_a_swap_reads_the_next_generation(run, tmp_path):
    sids = SemanticIDs.read(run / "tokenize" / "sids.parquet")
    items = Dataset.read(run / "data").items
    living = Generations(tmp_path / "live")
    living.publish(sids, items)
    files = ModelFiles.of(run / "tiger", sids=tmp_path / "live")
    assert files.tokenizer == run / "tokenize" / "model.ckpt"
    service = Service.load({"tiger": files}, Limits(k=len(items)))
    ask = s.RecommendRequest(history=items.ids[[3, 9]].tolist(), k=len(items))
    before = {place.item for place in service.recommend(ask).places}
    alike = [place.item for place in service.similar(s.SimilarRequest(item=items.ids[3], k=len(items))).places]
    closed = {alike[0], items.ids[9]}
    assert closed <= before
    living.retire(sorted(closed))
    assert {place.item for place in service.recommend(ask).places} == before  # until it is swapped
    assert service.swap("tiger", files).served_by.generation == "000002"
    assert {place.item for place in service.recommend(ask).places} == before - closed
    found = service.similar(s.SimilarRequest(item=items.ids[3], k=len(items))).places
    assert [place.item for place in found] == [item for item in alike if item not in closed]
    told = service.explain(s.ExplainRequest(history=items.ids[[3]].tolist(), item=alike[0]))
    assert told.excluded_by == ["open places"]
    places = service.places(s.PlacesRequest())
    assert {item for item, is_open in zip(places.item, places.is_open, strict=True) if not is_open} == closed
    assert service.health().models[0].n_closed == 2
    (tmp_path / "live" / "000002" / "open.txt").unlink()
    with pytest.raises(LgsidError, match=r"open\.txt: the list of open places cannot be read"):
        service.swap("tiger", files)
    assert service.health().models[0].n_closed == 2


def test_a_swap_and_its_rollback(files):
    service = Service.load({"a": files["tiger"]})
    before = service.recommend(s.RecommendRequest(k=5))
    answer = service.swap("a", files["generator"])
    assert (answer.former.title, answer.served_by.title) == ("TIGER", "PlaceGenerator")
    assert answer.served_by.revision == 2
    assert service.recommend(s.RecommendRequest(k=5)).served_by.title == "PlaceGenerator"
    with pytest.raises(LgsidError, match="model 'a'"):
        service.swap("a", ModelFiles(files["tiger"].sids, files["tiger"].dataset))
    assert service.health().models[0].revision == 2  # what cannot be loaded changes nothing
    back = service.rollback("a")
    assert back.served_by.revision == 3
    after = service.recommend(s.RecommendRequest(k=5))
    assert after.places == before.places
    assert after.served_by.hash == before.served_by.hash
    assert service.rollback("a").served_by.title == "PlaceGenerator"


def test_who_is_being_answered_keeps_the_model(files, monkeypatch):
    service = Service.load({"a": files["floor"]})
    started, swapped = threading.Event(), threading.Event()
    answer = LiveRecommender.answer

    def slow(self, queries):
        started.set()
        assert swapped.wait(30)
        return answer(self, queries)

    monkeypatch.setattr(LiveRecommender, "answer", slow)
    found = []
    asking = threading.Thread(target=lambda: found.append(service.recommend(s.RecommendRequest(k=5))))
    asking.start()
    assert started.wait(30)
    service.swap("a", files["tiger"])
    swapped.set()
    asking.join(30)
    assert found[0].served_by.title == "NewPlaceFloor"
    assert service.health().models[0].title == "TIGER"


def test_two_swaps_at_a_time_are_refused(files, monkeypatch):
    service = Service.load({"a": files["floor"]})
    service._changing.acquire()
    with pytest.raises(Refused, match="another swap") as refusal:
        service.rollback("a")
    assert refusal.value.status == 503


def test_the_generation_is_that_of_the_metadata_or_a_hash_of_the_codes(run, files, tmp_path):
    known = SemanticIDs.read(files["tiger"].sids)
    named = SemanticIDs(known.item_ids, known.codes, known.codebook_sizes, {**known.metadata, "generation": "g7"})
    named.write(tmp_path / "sids.parquet")
    shuffled = SemanticIDs(known.item_ids, known.codes[::-1].copy(), known.codebook_sizes, known.metadata)
    shuffled.write(tmp_path / "others.parquet")
    plain = Service.load({"a": files["tiger"], "b": files["generator"]}).health().models
    assert plain[0].generation == plain[1].generation != ""
    given = ModelFiles.of(run / "tiger", sids=tmp_path / "sids.parquet")
    assert Service.load({"a": given}).health().models[0].generation == "g7"
    with pytest.raises(LgsidError, match="trained on other semantic IDs"):
        Service.load({"a": ModelFiles.of(run / "tiger", sids=tmp_path / "others.parquet")})


def test_other_data_are_refused(run, tmp_path):
    toy_city(seed=1, folder=tmp_path / "data")
    with pytest.raises(LgsidError, match="model 'a': the model was trained on"):
        Service.load({"a": ModelFiles.of(run / "tiger", dataset=tmp_path / "data")})


def test_all_places_by_column(service, items):
    found = service.places(s.PlacesRequest(model="tiger"))
    lengths = {
        len(getattr(found, name)) for name in ("item", "name", "category", "region", "latitude", "check_ins", "sid")
    }
    assert lengths == {len(items)}
    assert found.item == items.ids.tolist()
