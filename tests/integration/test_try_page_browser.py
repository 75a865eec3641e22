"""The page of `lgsid serve` in a real browser: what somebody can do on it, and what it must never do.

Without a browser these tests are skipped (see `browser`).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
import uvicorn
from fastapi import FastAPI

from lgsid import checkpoints
from lgsid.artefacts import SemanticIDs
from lgsid.artefacts.files import write_json
from lgsid.datamodules import SequenceData
from lgsid.functional.distances import haversine_m
from lgsid.generations import Generations
from lgsid.recommenders import TIGER
from lgsid.recommenders.counting import NearestPlace
from lgsid.serving import ModelFiles, Service
from lgsid.serving.app import furnish
from lgsid.serving.in_process import InProcess
from lgsid.serving.limits import Limits
from lgsid.serving.page import PageSource, page_routes
from lgsid.testing import toy_city

IN_SIGHT = "document.scrollingElement.scrollWidth <= window.innerWidth"
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
SMALL = {"width": 1120, "height": 640}  # every pixel is drawn by the processor


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A run folder with two models and two sets of semantic IDs, and the dataset in it."""
    run = tmp_path_factory.mktemp("run")
    data = toy_city(folder=run / "data")
    write_json(run / "run.json", {"made_by": "lgsid run", "pipeline": "toy"})
    row = np.arange(len(data.items))
    for name, order in (("tokenize", np.argsort(data.items.lon_deg)), ("tokenize_random", row)):
        place = np.empty_like(row)
        place[order] = row
        (run / name).mkdir()
        sids = SemanticIDs(data.items.ids, np.stack([place // 12, place // 3 % 4, place % 3], 1), (5, 4, 3))
        sids.write(run / name / "sids.parquet")
    torch.manual_seed(0)
    for name, model, sids in (("tiger", TIGER(T5, beam_width=16), "tokenize"), ("nearest", NearestPlace(), None)):
        arguments = {"dataset": "data"} | ({"sids": f"{sids}/sids.parquet"} if sids else {})
        module = SequenceData(str(run / "data"), str(run / sids / "sids.parquet") if sids else None)
        module.setup("fit")
        model.ensure_built(module.shape)
        model.take_catalogue(module)
        (run / name).mkdir()
        checkpoints.save(model, run / name / "model.ckpt")
        parts = {"model": {"class_path": type(model).__name__}, "data": {"class_path": "SequenceData"}}
        parts["data"]["init_args"] = arguments
        write_json(run / name / "fit_config.yaml", parts)
    return run, data


@contextmanager
def served(files: dict[str, ModelFiles]) -> Iterator[str]:
    """The address of a service of these models, and of its page."""
    backend = InProcess(Service.load(files))
    app = furnish(FastAPI(), backend, Limits(), page=page_routes(PageSource(backend, lambda: files)))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def address(city) -> Iterator[str]:
    with served(ModelFiles.of_run(city[0])) as address:
        yield address


@dataclass
class Visitor:
    """Somebody with a browser: opens the page, and notes everything that it should not do."""

    browser: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def open(self, asked: str = "", size: dict[str, int] = SMALL, before: str = "", **settings: Any) -> Any:
        context = self.browser.new_context(viewport=size, **settings)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        if before:
            page.add_init_script(before)
        page.goto(self.address + asked)
        page.wait_for_selector(".map[data-ready]")
        return page


@pytest.fixture
def visitor(browser, address) -> Iterator[Visitor]:
    visitor = Visitor(browser, address)
    yield visitor
    for context in visitor.contexts:
        context.close()
    assert visitor.complaints == []
    assert {url[: len(address)] for url in visitor.requests if not url.startswith("blob:")} == {address}


def listed_rows(page: Any, within: str) -> list[int]:
    page.wait_for_selector(f"{within} ol.places button.place")
    return page.locator(f"{within} button.place").evaluate_all("all => all.map((e) => Number(e.dataset.row))")


def listed(page: Any, within: str = "#answer") -> list[str]:
    page.wait_for_selector(f"{within} ol.places button.place")
    return page.locator(f"{within} ol.places .name").all_text_contents()


def asked_for(page: Any, act: Any) -> dict[str, Any]:
    """What the page asks of the service when something is done, and what it gets."""
    with page.expect_response("**/recommend") as caught:
        act()
    return {"question": caught.value.request.post_data_json, "answer": caught.value.json()}


def free_spot(page: Any) -> tuple[float, float]:
    """A point of the map with no place near it, as a share of its width and height."""
    box = page.locator(".maplibregl-canvas").first.bounding_box()
    return box["x"] + box["width"] * 0.97, box["y"] + box["height"] * 0.5


def test_a_click_on_the_map_recommends_around_the_spot(visitor, city):
    page = visitor.open()
    assert "Where are you?" in page.locator("#answer").inner_text()
    found = asked_for(page, lambda: page.mouse.click(*free_spot(page)))
    question, places = found["question"], found["answer"]["places"]
    assert question["model"] == "nearest"
    assert page.locator("#where").input_value() == f"{question['latitude']:.4f}, {question['longitude']:.4f}"
    assert listed(page) == [place["name"] for place in places]
    assert page.locator("#answer .facts").nth(1).inner_text().split(" · ")[1] == places[0]["category"]
    for place in places:
        here = torch.tensor([question["latitude"], question["longitude"]], dtype=torch.float64)
        there = torch.tensor([place["latitude"], place["longitude"]], dtype=torch.float64)
        assert place["km"] == pytest.approx(float(haversine_m(*here, *there)) / 1e3, rel=1e-6)
    assert page.locator(".map .badge").count() == len(places)
    assert page.locator("#said").inner_text().startswith("nearest: 10 places for")


def test_the_hour_and_the_day_are_asked_for(visitor, city):
    page = visitor.open("#spot=45,-30&there=0")
    listed(page)
    page.locator("#day").focus()
    asked_for(page, lambda: page.select_option("#day", "6"))
    page.locator("#hour").focus()
    found = asked_for(page, lambda: page.keyboard.press("Home"))
    end = str(city[1].interactions.frame["time"].max())[:10]
    moment = np.datetime64(found["question"]["time"])
    assert (moment.astype("datetime64[D]").astype(int) + 3) % 7 == 6
    assert found["question"]["time"].endswith("T00:00")
    assert moment >= np.datetime64(end)
    assert page.locator("#ask output").inner_text() == "00:00"
    page.reload()
    page.wait_for_selector(".map[data-ready]")
    assert page.locator("#day").input_value() == "6"


def test_a_place_shows_its_codes_and_both_kinds_of_neighbors(visitor, city):
    data = city[1]
    row = 7
    page = visitor.open(f"#place={data.items.ids[row]}&a=tiger")
    card = page.locator("article.card")
    assert card.locator("h2").inner_text() == data.items.texts("name")[row]
    codes = SemanticIDs.read(city[0] / "tokenize" / "sids.parquet").for_items(data.items)
    prefixes = ["-".join(map(str, codes[row, : depth + 1])) for depth in range(3)]
    assert card.locator(".levels .sid").all_inner_texts() == prefixes
    sharing = (codes[:, 0] == codes[row, 0]).sum()
    assert f"{sharing} places" in card.locator(".levels .facts").first.inner_text()
    lists = card.locator("ul.places")
    shared = [int(text[0]) for text in lists.nth(0).locator(".facts").all_inner_texts()]
    every = np.sort([np.argmin([*(a == b), False]) for a, b in zip(codes, np.repeat(codes[[row]], 60, 0), strict=True)])
    assert shared == every[::-1][1:6].tolist()
    lat, lon = (torch.from_numpy(values.copy()) for values in (data.items.lat_deg, data.items.lon_deg))
    away = haversine_m(lat, lon, lat[row], lon[row]).numpy()
    nearest = [data.items.texts("name")[other] for other in np.argsort(away, kind="stable") if other != row][:5]
    assert lists.nth(1).locator(".name").all_inner_texts() == nearest
    found = asked_for(page, lambda: card.get_by_text("Recommend from here").click())
    assert found["question"]["latitude"] == pytest.approx(float(lat[row]), abs=1e-5)


def test_retired_places_are_rings_and_told_of(browser, city, tmp_path):
    run, data = city
    living = Generations(tmp_path / "live")
    living.publish(SemanticIDs.read(run / "tokenize" / "sids.parquet"), data.items)
    living.retire([data.items.ids[7]])
    files = {"tiger": ModelFiles.of(run / "tiger", sids=tmp_path / "live"), "nearest": ModelFiles.of(run / "nearest")}
    with served(files) as address:
        visitor = Visitor(browser, address)
        page = visitor.open(f"#place={data.items.ids[7]}&a=tiger")
        assert (
            page.locator("article.card p.closed").inner_text()
            == "Closed: its semantic ID is retired, and tiger does not propose it."
        )
        assert "1 place closed, drawn as rings" in page.locator(".legend").first.text_content()
        page = visitor.open(f"#place={data.items.ids[7]}&a=nearest")
        page.wait_for_selector("article.card")
        assert page.locator("article.card p.closed").count() == 0
        assert "closed" not in page.locator(".legend").first.text_content()
        for context in visitor.contexts:
            context.close()
    assert visitor.complaints == []


def test_more_codes_give_other_colors(visitor):
    page = visitor.open("#a=tiger")
    canvas = page.locator(".maplibregl-canvas")
    page.wait_for_timeout(300)
    pictures, legends = [], []
    for depth in ("1st code", "2 codes", "all 3 codes"):
        page.get_by_text(depth, exact=True).click()
        page.wait_for_timeout(300)
        pictures.append(canvas.screenshot())
        legends.append(page.locator(".legend ol .sid").all_inner_texts())
    assert len(set(pictures)) == 3
    assert [{text.count("-") for text in texts} for texts in legends] == [{0}, {1}, {2}]
    page.get_by_text("1st code", exact=True).click()
    page.wait_for_timeout(300)
    assert canvas.screenshot() == pictures[0]
    page.locator(".legend ol button").first.click()
    assert page.locator(".legend .path").inner_text().startswith("All")
    first = page.locator(".legend .path b").inner_text()
    assert all(text.startswith(f"{first}-") for text in page.locator(".legend ol .sid").all_inner_texts())


def test_search_by_keyboard(visitor, city):
    names = city[1].items.texts("name")
    page = visitor.open()
    page.keyboard.press("/")
    page.keyboard.type(names[0][:4].lower())
    options = page.locator("#found [role=option]")
    assert names[0] in options.locator(".name").all_inner_texts()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    chosen = page.locator("#found [aria-selected=true] .name").inner_text()
    assert page.locator("#search").get_attribute("aria-activedescendant") == "found-0"
    page.keyboard.press("Enter")
    assert page.locator("article.card h2").inner_text() == chosen
    assert page.evaluate("document.activeElement.tagName") == "H2"
    assert not page.locator("#found").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("no such place")
    assert "No place of that name" in page.locator("#found").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#found").is_visible()


def test_the_map_by_keyboard(visitor):
    page = visitor.open()
    page.locator(".maplibregl-canvas").focus()
    middle = asked_for(page, lambda: page.keyboard.press("Enter"))["question"]
    assert page.locator(".crosshair").is_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    east = asked_for(page, lambda: page.keyboard.press("Enter"))["question"]
    assert east["longitude"] > middle["longitude"] + 1e-4
    assert east["latitude"] == pytest.approx(middle["latitude"], abs=1e-4)


def test_filters_reach_the_service_and_errors_are_told(visitor, city):
    page = visitor.open("#spot=45,-30&there=0&new=0")
    listed(page)
    page.locator("#filters summary").click()
    kind = page.locator("#kind option").nth(1).get_attribute("value")
    found = asked_for(page, lambda: page.select_option("#kind", kind))
    assert found["question"]["filters"] == {"category": [kind], "new_only": False}
    groups = dict(zip(city[1].items.ids, city[1].items.texts("category_group"), strict=True))
    assert {groups[place["item"]] for place in found["answer"]["places"]} == {kind}
    asked_for(page, lambda: page.select_option("#kind", ""))
    found = asked_for(page, lambda: page.select_option("#radius", "2"))
    assert all(place["km"] <= 2 for place in found["answer"]["places"])
    assert asked_for(page, lambda: page.check("#new-only"))["question"]["filters"]["new_only"]
    page.locator("#who summary").click()
    page.fill("#user", "nobody")
    page.keyboard.press("Enter")
    page.wait_for_selector(".failed")
    assert "User 'nobody' is not in the dataset" in page.locator(".failed").inner_text()
    assert any("404" in text for text in visitor.complaints)  # the browser's own line on the status
    visitor.complaints.clear()
    user = str(city[1].user_ids[0])
    page.fill("#user", user)
    assert asked_for(page, lambda: page.keyboard.press("Enter"))["question"]["user"] == user


def test_places_make_a_history(visitor):
    page = visitor.open("#spot=45,-30&there=0")
    first = listed(page)[0]
    found = asked_for(page, lambda: page.locator("button.add").first.click())
    assert len(found["question"]["history"]) == 1
    page.locator("#who summary").click()
    assert page.locator("#history li").all_inner_texts()[0].startswith(first)
    found = asked_for(page, lambda: page.locator("#history button").click())
    assert found["question"]["history"] == []


def test_two_models_side_by_side(visitor, city):
    page = visitor.open("#spot=45,-30")
    listed(page)
    page.locator("#compare").click()
    page.wait_for_selector(".view:nth-child(2) .map[data-ready]")
    left, right = (listed_rows(page, f".view:nth-child({side}) .list") for side in (1, 2))
    both = len(set(left) & set(right))
    page.wait_for_selector(".compared")
    assert page.locator(".compared").inner_text().startswith(f"{both} of {len(left)} places are in both lists.")
    assert page.locator("#model-0").input_value() != page.locator("#model-1").input_value()
    page.select_option("#set-1", "tokenize_random")
    codes = SemanticIDs.read(city[0] / "tokenize_random" / "sids.parquet").for_items(city[1].items)
    shown = page.locator(".view:nth-child(2) .list .sid").first.inner_text()
    assert shown == "-".join(map(str, codes[right[0]]))
    centers = "() => [...document.querySelectorAll('.maplibregl-ctrl-scale')].map((e) => e.textContent + e.style.width)"
    page.locator(".view:nth-child(2) .zoom button").first.click()
    page.wait_for_timeout(700)
    one, other = page.evaluate(centers)
    assert one == other
    page.locator("#compare").click()
    assert page.locator(".view").count() == 1
    assert listed_rows(page, "#answer") == left


@pytest.mark.parametrize("asked", ["#spot=45,-30", "#spot=45,-30&compare=1", "#place=p00001&a=tiger"])
def test_a_phone_needs_no_scrolling_sideways(visitor, asked):
    page = visitor.open(asked, {"width": 390, "height": 844}, has_touch=True)
    page.wait_for_selector("button.place")
    assert page.evaluate(IN_SIGHT)
    small = page.evaluate(
        "[...document.querySelectorAll('button, select')].filter((e) => e.offsetWidth && e.offsetHeight < 22).length"
    )
    assert small == 0


def luminance(color: str) -> float:
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", color)[:3])
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_readable_in_light_and_dark(visitor, scheme):
    page = visitor.open("#spot=45,-30&a=tiger", color_scheme=scheme)
    listed(page)
    look = "([name, of]) => getComputedStyle(document.querySelector(name))[of]"
    paper = luminance(page.evaluate(look, ["body", "backgroundColor"]))
    assert (paper < 0.05) == (scheme == "dark")
    for name in (".name", "#answer .facts", ".sid", "#answer .told button"):
        ink = luminance(page.evaluate(look, [name, "color"]))
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, name
    ground = page.evaluate("getComputedStyle(document.querySelector('.swatch')).backgroundColor")
    assert (max(luminance(ground), paper) + 0.05) / (min(luminance(ground), paper) + 0.05) >= 1.5


def test_without_webgl_the_lists_still_work(visitor, city):
    hidden = "HTMLCanvasElement.prototype.getContext = () => null"
    page = visitor.open(before=hidden)
    assert "no WebGL" in page.locator(".no-map").inner_text()
    page.fill("#where", "45.001, -29.999")
    found = asked_for(page, lambda: page.keyboard.press("Enter"))
    assert listed(page) == [place["name"] for place in found["answer"]["places"]]
    page.locator("#answer button.place").first.click()
    assert page.locator("article.card .levels li").count() == 3


def test_a_service_that_is_gone_is_told_in_words(visitor):
    page = visitor.open("#spot=45,-30")
    listed(page)
    page.route("**/recommend", lambda route: route.abort())
    page.fill("#where", "45.002, -29.999")
    page.keyboard.press("Enter")
    page.wait_for_selector(".failed")
    assert "does not answer" in page.locator(".failed").inner_text()
    page.unroute("**/recommend")
    asked_for(page, lambda: page.get_by_role("button", name="Try again").click())
    assert listed(page)
    assert all("ERR_FAILED" in text for text in visitor.complaints)
    visitor.complaints.clear()


@pytest.mark.parametrize("size", [SMALL, {"width": 390, "height": 844}], ids=["wide", "phone"])
def test_names_are_texts_of_any_length_and_a_swap_is_told(visitor, size):
    hostile = "<img src=x onerror=\"document.title='broken in'\">" + " of the most Reverend" * 6 + "x" * 90
    page = visitor.open(size=size)

    def changed(route: Any) -> None:
        told = route.fetch().json()
        models = [{**model, "generation": "former"} for model in told["models"]]
        route.fulfill(json={**told, "models": models, "name": [hostile] * len(told["id"]), "title": hostile})

    page.route("**/page/places", changed)
    page.goto(f"{visitor.address}?again#spot=45,-30&place=p00003")
    page.wait_for_selector("article.card")
    assert page.locator("article.card h2").inner_text() == hostile
    assert page.title().startswith("<img")
    assert page.locator("main img").count() == 0
    wide = "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)"
    assert page.evaluate(IN_SIGHT), page.evaluate(f"{wide}.map((e) => e.outerHTML.slice(0, 80))")
    side, stage = (page.locator(name).bounding_box() for name in ("#ask", "#stage"))
    assert side["x"] + side["width"] <= (stage["x"] if size is SMALL else size["width"])
    page.wait_for_selector("#notice:not([hidden])")
    assert "new semantic IDs" in page.locator("#notice").inner_text()


def test_focus_is_seen_and_motion_can_be_left_out(visitor):
    page = visitor.open("#spot=45,-30", reduced_motion="reduce")
    listed(page)
    page.locator("#search").focus()
    outlines = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        outlines.add(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    assert outlines == {"solid"}
    assert page.evaluate("getComputedStyle(document.querySelector('.badge')).transitionDuration") == "0s"
