"""The page over HTTP: its addresses, what may be kept, and what a swap changes."""

import gzip
import re
import subprocess
import sys

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lgsid.serving import ModelFiles, Service
from lgsid.serving.app import furnish
from lgsid.serving.in_process import InProcess
from lgsid.serving.limits import Limits
from lgsid.serving.page import PageSource, page_routes
from lgsid.serving.page.page_source import sids_beside


def client_of(service, files):
    backend = InProcess(service)
    page = page_routes(PageSource(backend, lambda: files))
    return TestClient(furnish(FastAPI(), backend, Limits(), page=page))


@pytest.fixture
def client(service, files):
    return client_of(service, files)


def test_the_page_names_files_that_may_be_kept_forever(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    named = re.findall(r'(?:href|src)="(page/[^"]+)"', page.text)
    assert len(named) == 4
    for address in named:
        found = client.get(f"/{address}")
        assert found.status_code == 200
        assert "immutable" in found.headers["cache-control"]
    digest = named[0].split("/")[1]
    assert client.get(f"/page/{digest}/maplibre-gl/maplibre-gl-worker.mjs").status_code == 200
    for lost in ("/page/0123456789abcdef/main.js", f"/page/{digest}/none.js", f"/page/{digest}/../routes.py"):
        assert client.get(lost).status_code == 404


def test_a_body_is_compressed_and_not_sent_twice(client):
    plain = client.get("/page/places", headers={"Accept-Encoding": "identity"})
    with client.stream("GET", "/page/places", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    again = client.get("/page/places", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_data_are_those_of_the_models(client, files, run):
    told = client.get("/page/places").json()
    assert {model["name"]: model["sids"] for model in told["models"]} == {
        "floor": None,
        "generator": "tokenize",
        "tiger": "tokenize",
    }
    served = client.get("/places", params={"model": "tiger"}).json()
    assert told["id"] == served["item"]
    assert [list(codes) for codes in zip(*told["sids"][0]["codes"], strict=True)] == served["sid"]
    answer = client.post("/recommend", json={"model": "tiger", "latitude": told["lat"][0], "longitude": told["lon"][0]})
    assert answer.json()["served_by"]["generation"] == told["models"][2]["generation"]
    assert client.get("/page/boundaries").json()["features"][0]["properties"]["kind"] == "ground"
    assert sids_beside(files) == {"tokenize": run / "tokenize" / "sids.parquet"}


def test_a_swap_changes_the_data(files):
    service = Service.load({"floor": files["floor"]})
    client = client_of(service, files)
    first = client.get("/page/places")
    assert client.get("/page/places").headers["etag"] == first.headers["etag"]
    service.swap("floor", files["tiger"])
    second = client.get("/page/places")
    assert second.headers["etag"] != first.headers["etag"]
    assert [model["sids"] for found in (first, second) for model in found.json()["models"]] == [None, "tokenize"]


def test_a_file_that_cannot_be_read_is_told_in_one_line(service, tmp_path):
    gone = {"floor": ModelFiles(tmp_path / "model.ckpt", tmp_path / "gone")}
    found = client_of(service, gone).get("/page/boundaries")
    assert found.status_code == 500
    (line,) = found.json()["error"].splitlines()
    assert "gone" in line


def test_a_process_that_shows_nobody_the_page_imports_nothing_heavy():
    heavy = ("torch", "pandas", "geopandas", "matplotlib", "scipy")
    code = f"import sys, lgsid.serving.server; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
