"""Requests to the service: malformed, of wrong types, at limits, hostile. None may crash it or be answered wrongly.

They go through the whole application in process, over ASGI, since a process for each would take hours. What has to come
of one: a status that fits; JSON; of an error one line and no traceback; and the service answers the next request as it
answered the first.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
from fastapi import FastAPI

from fuzz.served_run import make_run
from lgsid.artefacts.hashes import text_hash
from lgsid.serving import Limits, ModelFiles, Service
from lgsid.serving.app import furnish
from lgsid.serving.in_process import InProcess
from lgsid.testing import tiny_encoder
from trial.outcome import Outcome, Verdict

SEAM = "requests"
USUAL = 2000
LIMIT_S = 30.0
KNOWN = (200, 307, 400, 401, 403, 404, 405, 408, 413, 422, 503)
Ask = tuple[str, str, dict[str, str], bytes]  # method, path, headers, body

TEXTS = (
    *("", " ", "\0", "\ud800", "\u202e", "'", '"', "\\", "../../etc/passwd", "%00", "{{7*7}}", "${jndi:ldap://x}"),
    *("<script>alert(1)</script>", "'; DROP TABLE items; --", "p00001\n", "a" * 300, "é" * 200, "\U0001f355", "NaN"),
    *("None", "null", "true", "-1", "1e999", "0x10", "١٢", "p00001", "u0001", "floor", "generator", "sid", "vector"),
    *("2024-01-05T10:00", "2024-01-05T10:00Z", "2024-01-05T10:00+99:00", "9999-12-31T23:59", "0001-01-01", "24:00"),
)
NUMBERS = (
    *(0, 1, -1, 5, 50, 51, 2**31, 2**63, 2**64, 10**40, -(10**40), 0.5, -0.0, 1e-300, 1e300, 90, 90.0001, 180, -180.1),
    *(float("nan"), float("inf"), float("-inf")),
)
AREAS: tuple[Any, ...] = (
    {"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], ["a", 1], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 1], [1, 1], [0, 0]]]},
    {"type": "Polygon", "coordinates": []},
    {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}]},
    {"type": "FeatureCollection", "features": 7},
    {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]}]},
    {"geometry": {"geometry": {}}},
    {"type": "Nonsense"},
    {},
)
FIELDS = {
    "/recommend": ("model", "user", "history", "latitude", "longitude", "time", "radius_km", "filters", "k", "rerank"),
    "/explain": ("model", "user", "history", "latitude", "longitude", "time", "radius_km", "filters", "rerank", "item"),
    "/similar": ("model", "item", "k", "by"),
    "/encode": ("model", "name", "category", "latitude", "longitude"),
    "/admin/rollback": ("model",),
    "/admin/swap": ("model", "checkpoint", "dataset", "rank_with", "sids"),
}
FITTING: dict[str, tuple[Any, ...]] = {
    "model": ("floor", "generator"),
    "user": ("u0000", "u0001"),
    "item": ("p00001", "p00007"),
    "history": ([], ["p00001"], ["p00001", "p00002", "p00001"], [["p00001", "2024-01-05T10:00"]]),
    "latitude": (45.0, 44.99),
    "longitude": (-30.0, -29.98),
    "time": ("2024-01-25T10:00", "2024-02-01T23:59+01:00"),
    "radius_km": (0.5, 5, 20000),
    "filters": ({}, {"new_only": True}, {"category": ["Coffee Shop"]}, {"among": ["p00001", "p00002"]}),
    "k": (1, 10, 50),
    "rerank": (False, True),
    "by": ("sid", "vector"),
    "name": ("Zoë's", ""),
    "category": ("Coffee Shop", "Observatory"),
    "checkpoint": ("/nowhere", "."),
}
JSON = {"Content-Type": "application/json"}


def family(seed: int, count: int | None) -> Iterator[Outcome]:
    """Send requests and yield what they came to."""
    with made() as service:
        yield from outcomes(service, seed, USUAL if count is None else count)


@contextmanager
def made() -> Iterator[Service]:
    """Yield a service over a tiny run: a generator with everything that belongs to it, and a counting model."""
    with tempfile.TemporaryDirectory(prefix="lgsid-requests-") as name:
        folder = Path(name)
        (folder / "run").mkdir()
        make_run(folder / "run", tiny_encoder("bert", folder / "encoder"))
        files = ModelFiles.of_run(folder / "run", rank_with=folder / "run" / "din")
        limits = Limits(k=50, history=20, body_bytes=20_000, waiting=8, timeout_s=LIMIT_S)
        yield Service.load({name: files[name] for name in ("floor", "generator")}, limits)


def outcomes(service: Service, seed: int, count: int) -> list[Outcome]:
    """Send requests to a service and return what they came to."""
    return asyncio.run(sent(service, list(itertools.islice(requests(Random(seed)), count))))


async def sent(service: Service, asked: list[Ask]) -> list[Outcome]:
    """Send requests one after the other, a good one among them now and then."""
    app = furnish(FastAPI(), InProcess(service), service.limits)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
    found = []
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=LIMIT_S) as client:
        usual = (await client.post("/recommend", json={"k": 5})).json()["places"]
        for number, (method, path, headers, body) in enumerate(asked):
            verdict, detail = await judged(client, method, path, headers, body)
            if number % 50 == 49 and verdict == "refused":
                again = await client.post("/recommend", json={"k": 5})
                if again.status_code != 200 or again.json()["places"] != usual:
                    verdict, detail = "lost", "the service no longer answers as before"
            case = f"{number}: {method} {path} {body[:200]!r}"
            found.append(Outcome(SEAM, case, verdict, detail, text_hash([method, path, body])))
    return found


async def judged(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[Verdict, str]:
    """Send a request and say what it came to."""
    try:
        answer = await client.request(method, path, headers=headers, content=body)
    except httpx.TimeoutException:
        return "hang", "no answer"
    text = answer.text
    if answer.status_code not in KNOWN or "Traceback" in text:
        return "traceback", f"{answer.status_code} {text[:300]}"
    if answer.status_code < 400:
        return "read right", ""
    if method == "HEAD":
        return ("refused", "") if not text else ("many lines", text[:300])
    try:
        content = answer.json()
    except ValueError:
        return "many lines", f"{answer.status_code} is no JSON: {text[:300]}"
    if list(content) != ["error"] or not content["error"] or "\n" in content["error"]:
        return "many lines", text[:300]
    return "refused", ""


def requests(rng: Random) -> Iterator[Ask]:
    """Yield requests without an end: those that are spelt out, then random ones."""
    yield from spelt_out()
    while True:
        path = rng.choice(list(FIELDS))
        if rng.random() < 0.25:
            yield "POST", path, JSON, json.dumps(good_body(path, rng)).encode()
            continue
        body = {name: value_of(name, rng) for name in FIELDS[path] if rng.random() < 0.5}
        if rng.random() < 0.1:
            body[rng.choice(TEXTS)] = anything(rng, 2)
        raw = json.dumps(body).encode()
        kind = rng.random()
        if kind < 0.15:  # bytes that changed on their way
            raw = bytearray(raw)
            for _ in range(rng.randint(1, 4)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            raw = bytes(raw)
        elif kind < 0.2:
            raw = raw[: rng.randrange(len(raw))]
        elif kind < 0.25:
            raw = json.dumps(anything(rng, 4)).encode()
        yield "POST", path, JSON, raw


def good_body(path: str, rng: Random) -> dict[str, Any]:
    """Return a body whose values fit, with one field left out or of another kind now and then."""
    left_out = rng.choice(("user", "history"))
    body = {name: rng.choice(FITTING[name]) for name in FIELDS[path] if name in FITTING and name != left_out}
    if rng.random() < 0.3:
        name = rng.choice(list(body))
        body[name] = anything(rng, 1)
    return body


def spelt_out() -> Iterator[Ask]:
    """Yield requests that are wrong in a way of their own."""
    for raw in (
        *(b"", b"{", b"}", b"null", b"[]", b'""', b"0", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"k": 1}' + b" " * 19_000),
        *(b"[" * 19_000, b'{"filters":' * 1500, b'{"k": 1, "k": 2}', b'{"k": ' + b"9" * 15_000 + b"}", b" " * 30_000),
        *(b'{"user": "' + b"u" * 19_000 + b'"}', json.dumps({"history": ["p00001"] * 21}).encode()),
    ):
        yield "POST", "/recommend", JSON, raw
    for kind in (
        "",
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "application/json; charset=utf-16",
        "a" * 999,
    ):
        yield "POST", "/recommend", {"Content-Type": kind}, b'{"k": 1}'
    for length in ("-1", "abc", "99999999999999999999", "0"):
        yield "POST", "/recommend", {**JSON, "Content-Length": length}, b'{"k": 1}'
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW"):
        yield method, "/recommend", {}, b""
    for path in (
        *("/", "/docs", "/health", "/metrics", "/version", "/openapi.json", "/places", "/places?model=%00"),
        *("/places?model=" + "m" * 5000, "/ask", "/info", "/shutdown", "/predict", "/..%2f..%2fetc/passwd", "/%ff%fe"),
        *("//recommend", "/recommend/", "/admin", "/redoc", "/docs/oauth2-redirect"),
    ):
        yield "GET", path, {}, b""
    for area in AREAS:
        yield "POST", "/recommend", JSON, json.dumps({"filters": {"area": area}}).encode()
    for text in TEXTS:
        for name in ("user", "time", "model"):
            yield "POST", "/recommend", JSON, json.dumps({name: text}).encode()
    for number in NUMBERS:
        for name in ("k", "radius_km", "latitude"):
            yield "POST", "/recommend", JSON, json.dumps({"longitude": 9, "latitude": 45, name: number}).encode()
        for name in ("latitude", "longitude"):
            yield "POST", "/encode", JSON, json.dumps({"latitude": 1, "longitude": 1, name: number}).encode()


def value_of(name: str, rng: Random) -> Any:
    """Return a value of a field: one that fits, more often than not."""
    if rng.random() < 0.7 and name in FITTING:
        return rng.choice(FITTING[name])
    if name == "filters":
        fields = ("category", "region", "among", "new_only", "area")
        return {
            field: rng.choice((anything(rng, 2), rng.choice(AREAS), ["p00001"]))
            for field in fields[: rng.randint(1, 5)]
        }
    return anything(rng, 2)


def anything(rng: Random, depth: int) -> Any:
    """Return any value of JSON, and numbers that JSON does not have."""
    kind = rng.randrange(7 if depth else 5)
    if kind < 2:
        return rng.choice(TEXTS)
    if kind == 2:
        return rng.choice(NUMBERS)
    if kind < 5:
        return rng.choice((None, True, False, "", 0))
    if kind == 5:
        return [anything(rng, depth - 1) for _ in range(rng.choice((0, 1, 2, 30)))]
    return {rng.choice(TEXTS): anything(rng, depth - 1) for _ in range(rng.randrange(4))}
