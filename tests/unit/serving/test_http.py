"""The service over HTTP, in process: statuses, bodies, limits, logs, numbers, who may swap, the reference page."""

import asyncio
import json
import logging
import re

import httpx
import pytest
from fastapi import FastAPI

from lgsid.serving import Limits, Service
from lgsid.serving.app import furnish
from lgsid.serving.backend import Backend, Reply
from lgsid.serving.in_process import InProcess
from lgsid.serving.json_log import LOGGER, JsonLines

LOCAL = ("127.0.0.1", 5000)
JSON = {"Content-Type": "application/json"}


def client(backend, limits, token="", address=LOCAL, **headers):
    app = furnish(FastAPI(), backend, limits, token)
    transport = httpx.ASGITransport(app, raise_app_exceptions=True, client=address)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", headers=headers)


@pytest.fixture(scope="module")
def ask(service):
    """Sends one request and returns the answer."""
    http = client(InProcess(service), service.limits)

    def send(method, path, **options):
        return asyncio.run(http.request(method, path, **options))

    return send


@pytest.fixture
def lines():
    """The lines that the service logs, as they are written."""
    found = []

    class Kept(logging.Handler):
        def emit(self, record):
            found.append(self.format(record))

    handler, logger = Kept(), logging.getLogger(LOGGER)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_answers_are_those_of_the_service(ask, service):
    item = service.slot("tiger")[1].model.items.ids[3]
    found = ask("POST", "/recommend", json={"model": "tiger", "history": [item], "k": 4})
    assert found.status_code == 200
    assert [place["rank"] for place in found.json()["places"]] == [1, 2, 3, 4]
    assert found.json()["served_by"]["model"] == "tiger"
    for path, body in (
        ("/similar", {"item": item}),
        ("/encode", {"latitude": 45, "longitude": 9}),
        ("/explain", {"item": item, "history": [[item, "2024-01-02T03:00"]]}),
    ):
        found = ask("POST", path, json={"model": "tiger", **body})
        assert found.status_code == 200, found.text
        assert found.json()["served_by"]["model"] == "tiger"
    assert len(ask("GET", "/places?model=tiger").json()["item"]) == 60
    assert [model["model"] for model in ask("GET", "/health").json()["models"]] == ["floor", "generator", "tiger"]
    assert ask("GET", "/version").json()["lgsid"]


@pytest.mark.parametrize(
    ("status", "method", "path", "options", "says"),
    [
        (400, "POST", "/recommend", {"content": b"{", "headers": JSON}, "not JSON"),
        (400, "POST", "/recommend", {"content": b"\xff\xfe", "headers": JSON}, "not JSON"),
        (400, "POST", "/recommend", {"content": b"[" * 9000, "headers": JSON}, "not JSON"),
        (400, "POST", "/recommend", {"data": {"k": 3}}, "Content-Type: application/json"),
        (400, "POST", "/recommend", {}, "Content-Type: application/json"),
        (404, "GET", "/recommendations", {}, "no such page"),
        (404, "GET", "/places?model=nothing", {}, "model 'nothing' is not served"),
        (404, "POST", "/similar", {"json": {"item": "nowhere"}}, "item 'nowhere'"),
        (405, "GET", "/recommend", {}, "another method"),
        (413, "POST", "/recommend", {"json": {"history": ["x" * 100] * 200}}, "at most 10000 bytes"),
        (422, "POST", "/recommend", {"json": []}, "body: Input should be"),
        (422, "POST", "/recommend", {"json": {"k": "many"}}, "k: Input should be a valid integer"),
        (422, "POST", "/recommend", {"json": {"K": 3}}, "K: Extra inputs"),
        (422, "POST", "/recommend", {"json": {"latitude": 91, "longitude": 0}}, "latitude: Input should be less"),
        (422, "POST", "/recommend", {"content": b'{"radius_km": NaN}', "headers": JSON}, "radius_km: "),
        (422, "POST", "/recommend", {"json": {"history": [["p00001", "noon", 3]]}}, "history.0"),
        (422, "POST", "/recommend", {"content": b'{"user": "\\ud800"}', "headers": JSON}, "user: "),
        (422, "POST", "/recommend", {"json": {"rerank": True, "k": 51}}, "k 51: at most 50"),
    ],
)
def test_mistakes_get_json_with_one_line(ask, status, method, path, options, says):
    found = ask(method, path, **options)
    assert found.status_code == status, found.text
    assert list(found.json()) == ["error"]
    assert says in found.json()["error"]
    assert "\n" not in found.json()["error"]
    assert found.headers["content-type"] == "application/json"


def test_a_body_without_a_length_is_bounded_too(service):
    async def endless():
        while True:
            yield b" " * 1000

    http = client(InProcess(service), service.limits)
    found = asyncio.run(http.post("/recommend", content=endless(), headers=JSON))
    assert found.status_code == 413


def test_a_body_that_does_not_arrive_is_given_up(service):
    async def slow():
        yield b"{"
        await asyncio.sleep(60)

    http = client(InProcess(service), Limits(timeout_s=0.05))
    found = asyncio.run(http.post("/recommend", content=slow(), headers=JSON))
    assert found.status_code == 408
    assert "did not arrive" in found.json()["error"]


class Waiting(Backend):
    """Answers when it is let."""

    def __init__(self):
        self.free = asyncio.Event()
        self.cancelled = 0

    async def ask(self, request):
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Reply(200, b"{}")


def test_too_many_at_a_time_and_too_long_are_503():
    async def trial():
        backend = Waiting()
        http = client(backend, Limits(waiting=3, timeout_s=0.2))
        first = [asyncio.create_task(http.post("/recommend", json={})) for _ in range(3)]
        await asyncio.sleep(0.05)
        busy = await http.post("/recommend", json={})
        late = await asyncio.gather(*first)
        backend.free.set()
        return busy, late, await http.post("/recommend", json={}), backend.cancelled

    busy, late, after, cancelled = asyncio.run(trial())
    assert busy.status_code == 503
    assert busy.json()["error"].startswith("busy: 3 requests are waiting")
    assert busy.headers["retry-after"] == "1"
    assert [found.status_code for found in late] == [503] * 3
    assert "no answer within 0.2 seconds" in late[0].json()["error"]
    assert cancelled == 3
    assert after.status_code == 200


class Broken(Backend):
    """Fails with a text that quotes what was asked."""

    async def ask(self, request):
        raise ValueError(f"cannot read {request.model_dump_json()}")


SECRETS = ("u0007", "p00031", "47.123456", "8.654321", "2024-03-05T06:07", "ramen", "203.0.113.9", "Bearer")


def test_no_line_of_the_log_has_a_word_of_a_request(service, lines):
    body = {
        "user": "u0007",
        "latitude": 47.123456,
        "longitude": 8.654321,
        "time": "2024-03-05T06:07",
        "filters": {"category": ["ramen"]},
    }
    visits = [["p00031", "2024-03-05T06:07"]]
    requests = [
        ("POST", "/recommend", {"json": body}),
        ("POST", "/recommend", {"json": body | {"filters": {}}}),
        ("POST", "/recommend", {"json": {"history": visits, "time": "2024-03-05T06:08", "model": "generator"}}),
        ("POST", "/explain", {"json": {"item": "p00031", "user": "u0007"}}),
        ("POST", "/similar", {"json": {"item": "p00031", "model": "u0007"}}),
        ("POST", "/recommend", {"json": {"u0007": "p00031"}}),
        ("POST", "/recommend", {"content": b'{"u0007": 47.123456', "headers": JSON}),
        ("GET", "/places?model=u0007", {}),
        ("GET", "/u0007/p00031?at=2024-03-05T06:07", {}),
    ]
    headers = {"Authorization": "Bearer u0007", "User-Agent": "ramen"}
    for backend in (InProcess(service), Broken()):
        http = client(backend, service.limits, address=("203.0.113.9", 4711), **headers)
        for method, path, options in requests:
            asyncio.run(http.request(method, path, **options))
    assert len(lines) > 2 * len(requests)  # internal errors have one of their own
    for line in lines:
        assert json.loads(line)["event"] in ("request", "internal error")
        assert not [word for word in SECRETS if word in line], line
    assert {json.loads(line)["status"] for line in lines if "status" in json.loads(line)} >= {200, 400, 404, 422, 500}
    assert any(json.loads(line).get("model") == "generator" for line in lines)


def test_numbers_for_prometheus(service):
    http = client(InProcess(service), service.limits)

    async def trial():
        for k in (2, 3, 51):
            await http.post("/recommend", json={"k": k})
        return (await http.get("/metrics")).text

    text = asyncio.run(trial())
    assert 'lgsid_requests_total{route="/recommend",status="200"} 2.0' in text
    assert 'lgsid_requests_total{route="/recommend",status="422"} 1.0' in text
    assert 'lgsid_request_seconds_count{route="/recommend"} 3.0' in text
    served = {state.model: state for state in service.health().models}["tiger"]
    line = re.search(r'lgsid_model_revision\{(.*?model="tiger".*?)\} 1\.0', text)
    assert f'generation="{served.generation}"' in line[1]
    assert f'hash="{served.hash}"' in line[1]
    assert re.search(r'lgsid_resident_bytes\{process="models"\} \d', text)


@pytest.mark.parametrize(
    ("token", "address", "headers", "status"),
    [
        ("", LOCAL, {}, 422),  # let in, and told that there is nothing to go back to
        ("", ("203.0.113.9", 4711), {}, 403),
        ("", LOCAL, {"Host": "evil.example"}, 403),
        ("", LOCAL, {"Host": "evil.example:8000"}, 403),
        ("", LOCAL, {"Host": "localhost"}, 422),
        ("", LOCAL, {"Origin": "http://localhost:8000"}, 403),
        ("", LOCAL, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("secret", LOCAL, {}, 401),
        ("secret", LOCAL, {"Authorization": "Bearer secre"}, 401),
        ("secret", LOCAL, {"Authorization": "Bearer sécret".encode()}, 401),
        ("secret", ("203.0.113.9", 4711), {"Authorization": "Bearer secret"}, 422),
    ],
)
def test_who_may_change_the_models(service, token, address, headers, status):
    http = client(InProcess(service), service.limits, token, address)
    found = asyncio.run(http.post("/admin/rollback", json={"model": "tiger"}, headers=headers))
    assert found.status_code == status, found.text
    assert list(found.json()) == ["error"]


def test_a_swap_over_http(files):
    http = client(InProcess(Service.load({"a": files["floor"]})), Limits())

    async def trial():
        swap = await http.post("/admin/swap", json={"model": "a", "checkpoint": str(files["tiger"].checkpoint)})
        asked = await http.post("/recommend", json={"k": 2})
        await http.post("/admin/rollback", json={"model": "a"})
        return swap.json(), asked.json(), (await http.post("/recommend", json={"k": 2})).json()

    swap, asked, after = asyncio.run(trial())
    assert swap["served_by"] == asked["served_by"]
    assert asked["served_by"]["title"] == "TIGER"
    assert after["served_by"]["hash"] == swap["former"]["hash"]


def test_the_reference_names_every_route_and_loads_nothing(ask):
    found = ask("GET", "/openapi.json").json()
    routes = {"/recommend", "/similar", "/encode", "/explain", "/places", "/health", "/version", "/metrics"}
    assert set(found["paths"]) == routes | {"/admin/swap", "/admin/rollback"}
    assert set(found["paths"]["/recommend"]["post"]["responses"]) == {"200", "400", "404", "413", "422", "503"}
    body = found["paths"]["/recommend"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].endswith("/RecommendRequest")
    page = ask("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"<script|<link|<img|@import|url\(|src=|https?:", page.text)
    for name in (*routes, *found["components"]["schemas"]):
        assert name in page.text
    targets = set(re.findall(r"href='#(\w+)'", page.text))
    assert targets <= set(re.findall(r"id='(\w+)'", page.text))
    assert ask("GET", "/").headers["location"] == "docs"
