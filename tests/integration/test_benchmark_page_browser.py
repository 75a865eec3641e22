"""The page of the leaderboard in a real browser: what a reader sees, and what the page must never do.

Without a browser these tests are skipped (see `browser`).
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lgsid.benchmark.page import write_page

HOSTILE = "<img src=x onerror=\"document.title='broken in'\"></script><script>document.title='broken in'</script>"
IN_SIGHT = "document.scrollingElement.scrollWidth <= window.innerWidth"


@dataclass
class Reader:
    """Somebody with a browser: opens pages, and notes everything that a page should not do."""

    browser: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def open(self, place: str = "", width: int = 1280, scheme: str = "light", **settings: Any) -> Any:
        context = self.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **settings)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(self.address + place)
        return page


@pytest.fixture(scope="module")
def page_file(made_up, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "leaderboard.html"
    write_page(made_up, path)
    return path


def reading(browser: Any, path: Path) -> Iterator[Reader]:
    reader = Reader(browser, path.as_uri())
    yield reader
    for context in reader.contexts:
        context.close()
    assert reader.complaints == []
    assert {url.partition("#")[0] for url in reader.requests} == {reader.address}


@pytest.fixture
def reader(browser, page_file) -> Iterator[Reader]:
    yield from reading(browser, page_file)


def shown_names(page: Any) -> list[str]:
    return page.locator("tr.method").evaluate_all("rows => rows.map((row) => row.dataset.method)")


def means(suite: dict, key: str, board: int = 0) -> dict[str, float]:
    methods = suite["boards"][board]["methods"]
    return {method["name"]: method["values"][key][0] for method in methods if key in method["values"]}


def ranked(values: dict[str, float], everyone: list[str], descending: bool) -> list[str]:
    known = sorted(
        (name for name in everyone if name in values), key=lambda name: -values[name] if descending else values[name]
    )
    return known + [name for name in everyone if name not in values]


def everyone(suite: dict) -> list[str]:
    return [method["name"] for method in suite["boards"][0]["methods"]]


def heading(page: Any, key: str) -> Any:
    return page.locator(f'[id="sort-{key}"]')


def sorted_state(page: Any, key: str) -> str:
    return page.locator("th", has=heading(page, key)).get_attribute("aria-sort")


@pytest.mark.parametrize("key", ["mrr@10", "km@10", "unreachable@10", "coverage@10"])
def test_a_click_sorts_and_another_turns_round(reader, made_up, key):
    suite = made_up["suites"][0]
    page = reader.open()
    column = next(column for column in suite["columns"] if column["key"] == key)
    if key != suite["primary"]:
        heading(page, key).click()
    for _ in range(2):
        descending = sorted_state(page, key) == "descending"
        assert shown_names(page) == ranked(means(suite, key), everyone(suite), descending)
        first = descending
        heading(page, key).click()
    assert sorted_state(page, key) == ("descending" if column["higher"] else "ascending")
    assert first != (column["higher"] is True)
    assert page.locator('th[aria-sort="ascending"], th[aria-sort="descending"]').count() == 1


def test_what_was_not_measured_is_last_both_ways(reader, made_up):
    suite = made_up["suites"][0]
    page = reader.open("#slice=sparse%2F")
    for direction in (True, False):
        assert shown_names(page) == ranked(means(suite, "sparse/mrr@10"), everyone(suite), direction)
        assert shown_names(page)[-1] == "random"
        heading(page, "mrr@10").click()


def test_sorting_by_keyboard_keeps_the_focus(reader, made_up):
    suite = made_up["suites"][0]
    page = reader.open()
    heading(page, "hit@1").focus()
    page.keyboard.press("Enter")
    assert shown_names(page) == ranked(means(suite, "hit@1"), everyone(suite), True)
    page.keyboard.press("Space")
    assert shown_names(page) == ranked(means(suite, "hit@1"), everyone(suite), False)
    assert sorted_state(page, "hit@1") == "ascending"
    assert page.evaluate("document.activeElement.id") == "sort-hit@1"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert sorted_state(page, "hit@10") == "descending"


def test_sorting_by_name(reader, made_up):
    page = reader.open()
    heading(page, "name").click()
    titles = {method["name"]: method["title"] for method in made_up["suites"][0]["boards"][0]["methods"]}
    assert [titles[name] for name in shown_names(page)] == sorted(titles.values(), key=str.lower)


def test_values_intervals_and_the_best_are_written(reader, made_up):
    suite = made_up["suites"][0]
    page = reader.open()
    mean, low, high = suite["boards"][0]["methods"][0]["values"]["mrr@10"]
    cell = page.locator('tr[data-method="lgsid"] td').first
    text = cell.inner_text().replace("\n", " ")
    for number in (mean, low, high):
        assert f"{number:.3f}".lstrip("0") in text
    for column in range(1, len(suite["columns"]) + 1):
        known = suite["columns"][column - 1]
        best = page.locator(f"tr.method td:nth-of-type({column}).best").evaluate_all(
            "cells => cells.map((cell) => cell.parentElement.dataset.method)"
        )
        if known["higher"] is None:
            assert best == []
            continue
        values = means(suite, known["key"])
        assert best == [(max if known["higher"] else min)(values, key=values.get)]


def test_filter_by_text_and_by_kind(reader, made_up):
    page = reader.open()
    page.get_by_label("Methods whose name has").press_sequentially("sIDs of")
    assert set(shown_names(page)) == {"unaligned", "text_only"}
    assert page.evaluate("document.activeElement.id") == "find"
    page.get_by_label("control", exact=True).uncheck()
    assert shown_names(page) == ["unaligned"]
    assert "1 of 12 methods" in page.locator("#table-status").inner_text()
    page.get_by_label("Methods whose name has").fill("")
    roles = {method["name"]: method["role"] for method in made_up["suites"][0]["boards"][0]["methods"]}
    assert {roles[name] for name in shown_names(page)} == {"method", "counting"}
    assert len(shown_names(page)) == sum(role != "control" for role in roles.values())
    page.get_by_label("Methods whose name has").fill("nobody")
    assert shown_names(page) == []
    assert "No method has such a name" in page.locator("#table-box").inner_text()


def test_slices_change_table_and_differences(reader, made_up):
    suite = made_up["suites"][0]
    page = reader.open()
    before = page.locator("#forest").inner_text()
    page.locator('input[name="slice"][value="new/"]').check()
    assert shown_names(page) == ranked(means(suite, "new/mrr@10"), everyone(suite), True)
    assert page.locator("#forest").inner_text() != before
    written = page.locator('tr[data-method="lgsid"] .value').first.inner_text()
    assert written.startswith(f"{means(suite, 'new/mrr@10')['lgsid']:.3f}".lstrip("0"))
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.value") == "revisit/"
    assert "slice=revisit" in page.url


def test_baseline_changes_the_differences(reader, made_up):
    board = made_up["suites"][0]["boards"][0]
    page = reader.open()

    def drawn() -> dict[str, str]:
        rows = page.locator("#forest .difference")
        return dict(rows.evaluate_all("rows => rows.map((row) => [row.dataset.method, row.textContent])"))

    first = drawn()
    assert set(first) == set(everyone(made_up["suites"][0])) - {"TimeTransition"}
    page.get_by_label("Baseline", exact=True).select_option("lgsid")
    second = drawn()
    assert set(second) == set(everyone(made_up["suites"][0])) - {"lgsid"}
    for name, text in second.items():
        mean, low, _, _, p = board["differences"]["mrr@10"]["lgsid"][name]
        for number in (mean, low):
            assert f"{abs(number):.3f}".lstrip("0") in text
        assert ("p < .001" if p < 0.001 else "p = ") in text


def test_what_is_not_significant_is_hollow(reader, made_up):
    p_holm = {name: found[4] for name, found in differences_from(made_up, "rqvae").items()}
    expected = {name for name, p in p_holm.items() if p >= 0.05}
    assert "permuted" in expected
    assert len(expected) < len(p_holm)
    page = reader.open("#baseline=rqvae")
    assert set(page.locator("#forest .muted").evaluate_all("rows => rows.map((r) => r.dataset.method)")) == expected
    fills = "rows => rows.map((row) => getComputedStyle(row.querySelector('circle')).fill)"
    assert set(page.locator("#forest .muted").evaluate_all(fills)) == {"rgb(255, 255, 255)"}
    assert "rgb(255, 255, 255)" not in page.locator("#forest .difference:not(.muted)").evaluate_all(fills)


def differences_from(made_up: dict, baseline: str) -> dict[str, list[float]]:
    return made_up["suites"][0]["boards"][0]["differences"]["mrr@10"][baseline]


def test_differences_are_drawn_where_they_are(reader, made_up):
    found = made_up["suites"][0]["boards"][0]["differences"]["mrr@10"]["TimeTransition"]
    page = reader.open()
    dots = page.locator("#forest .difference").evaluate_all(
        "rows => rows.map((row) => [row.dataset.method, +row.querySelector('circle').getAttribute('cx'),"
        " +row.querySelector('line').getAttribute('x1'), +row.querySelector('line').getAttribute('x2')])"
    )
    zero = float(page.locator("#forest line.zero").get_attribute("x1"))
    per_unit = {name: (at - zero) / found[name][0] for name, at, _, _ in dots}
    assert max(per_unit.values()) == pytest.approx(min(per_unit.values()), rel=1e-3)
    unit = per_unit["lgsid"]
    for name, _, low, high in dots:
        assert low == pytest.approx(zero + unit * found[name][1], abs=0.01)
        assert high == pytest.approx(zero + unit * found[name][2], abs=0.01)


def test_cost_is_on_a_log_scale(reader, made_up):
    seconds = {method["name"]: method["seconds"] for method in made_up["suites"][0]["boards"][0]["methods"]}
    page = reader.open()
    boxes = page.locator("#cost g[data-method]").evaluate_all(
        "groups => groups.map((g) => { const b = g.getBBox(); return [g.dataset.method, b.x + b.width / 2]; })"
    )
    at = dict(boxes)
    assert set(at) == {name for name, cost in seconds.items() if cost}
    assert "Nearest place" in page.locator("#cost-note").inner_text()
    per_log = (at["lgsid"] - at["Popularity"]) / math.log(seconds["lgsid"] / seconds["Popularity"])
    for name, place in at.items():
        assert place - at["Popularity"] == pytest.approx(per_log * math.log(seconds[name] / 0.05), abs=0.5)
    page.get_by_role("radio", name="Peak memory").check()
    assert "peak memory" in page.locator("#cost").inner_text()
    assert "cost=memory" in page.url


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_labels_of_the_cost_figure_stay_apart(reader, width):
    page = reader.open(width=width)
    assert page.locator("#cost text.halo").count() == 11
    assert page.evaluate(OVERLAPPING_LABELS) == []


OVERLAPPING_LABELS = """() => {
  const texts = [...document.querySelectorAll("#cost text.halo")].map((text) => [text.textContent, text.getBBox()]);
  const meet = (a, b) => Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 2
    && Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 4;
  const after = (i, box) => texts.slice(i + 1).filter(([, other]) => meet(box, other));
  return texts.flatMap(([a, box], i) => after(i, box).map(([b]) => [a, b]));
}"""


def test_details_open_and_close(reader):
    page = reader.open()
    button = page.get_by_role("button", name="TIGER on LGSID", exact=True)
    assert button.get_attribute("aria-expanded") == "false"
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    text = page.locator("tr.detail").inner_text()
    assert "2026, 2027, 2028" in text
    assert "abc1234" in text
    assert "numpy 2.1.0" in text
    page.keyboard.press("Enter")
    assert page.locator("tr.detail").count() == 0


def pixels(page: Any, side: str = "left") -> str:
    return page.locator(f"#map-canvas-{side}").evaluate("canvas => canvas.toDataURL()")


def test_map_levels_and_tooltip(reader, made_up):
    board = made_up["suites"][2]["boards"][0]
    page = reader.open("#suite=sid_quality")
    before = pixels(page)
    assert page.locator(".tooltip:visible").count() == 0
    page.get_by_role("radio", name="2 codes").check()
    assert pixels(page) != before
    layer, cells = board["maps"]["lgsid"]["depths"][1], board["maps"]["lgsid"]["cells"]
    crowded = max(range(len(cells["places"])), key=lambda cell: cells["places"][cell])
    row = next(r for r in range(board["maps"]["lgsid"]["rows"]) if cells["row_starts"][r + 1] > crowded)
    point_at(page, board["maps"]["lgsid"], cells["column"][crowded], row)
    codes = layer["prefix_codes"][layer["prefix"][crowded]]
    text = page.locator(".tooltip:visible").first.inner_text()
    assert f"<a_{codes[0]}><b_{codes[1]}>" in text
    share = round(100 * layer["sharing"][crowded] / cells["places"][crowded])
    assert f"{cells['places'][crowded]} places in this cell, {layer['sharing'][crowded]} with this" in text
    assert f"{share} %" in text
    assert "codes=2" in page.url


def point_at(page: Any, city: dict, column: int, row: int) -> None:
    canvas = page.locator("#map-canvas-left")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    size = box["width"] / city["columns"]
    page.mouse.move(box["x"] + (column + 0.5) * size, box["y"] + (city["rows"] - row - 0.5) * size)


def test_map_click_shows_all_cells_of_a_prefix(reader):
    page = reader.open("#suite=sid_quality&beside=none")
    assert page.locator("canvas").count() == 1
    plain = pixels(page)
    page.locator("#map-canvas-left").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".tooltip").inner_text()
    assert re.match(r"<a_\d+>\n", first)
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    assert page.locator(".tooltip").inner_text() != first
    pointed = pixels(page)
    page.keyboard.press("Enter")
    chosen = pixels(page)
    assert len({plain, pointed, chosen}) == 3
    page.keyboard.press("Enter")
    assert pixels(page) == pointed
    page.keyboard.press("Escape")
    assert pixels(page) == plain


def test_maps_beside_each_other_point_at_the_same_cell(reader):
    page = reader.open("#suite=sid_quality")
    before = pixels(page, "right")
    page.locator("#map-canvas-left").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".tooltip:visible").count() == 2
    assert pixels(page, "right") != before
    page.get_by_label("Map", exact=True).select_option("rqvae")
    page.get_by_label("Beside it").select_option("lgsid")
    assert page.locator(".map-panel h3").all_inner_texts() == ["TIGER on RQ-VAE", "TIGER on LGSID"]
    assert page.locator(".card").count() == 2


def test_boards_without_maps_show_none(reader):
    page = reader.open()
    assert page.locator("#maps-section").is_hidden()


def test_theme_follows_the_system_until_it_is_chosen(reader):
    background = "getComputedStyle(document.body).backgroundColor"
    light = reader.open("#suite=sid_quality")
    assert light.evaluate(background) == "rgb(255, 255, 255)"
    before = pixels(light)
    button = light.get_by_role("button", name="Dark theme")
    button.click()
    assert light.evaluate(background) != "rgb(255, 255, 255)"
    assert light.get_by_role("button", name="Light theme").get_attribute("aria-pressed") == "true"
    assert pixels(light) != before
    light.reload()
    assert light.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = reader.open(scheme="dark")
    assert dark.evaluate("document.documentElement.dataset.theme") == "dark"
    dark.emulate_media(color_scheme="light")
    wait_until(dark, "document.documentElement.dataset.theme === 'light'")


def wait_until(page, condition):
    """Wait for a condition. Playwright's own `wait_for_function` needs `unsafe-eval`, which the page forbids."""
    for _ in range(500):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"not so after ten seconds: {condition}")


def test_address_restores_the_view(reader):
    page = reader.open()
    page.get_by_label("Data and split").select_option("gowalla_nyc/leave_one_out")
    page.locator('input[name="slice"][value="new/"]').check()
    heading(page, "hit@1").click()
    heading(page, "hit@1").click()
    page.get_by_label("control", exact=True).uncheck()
    page.get_by_label("Methods whose name has").fill("tiger")
    page.get_by_label("Baseline", exact=True).select_option("Popularity")
    page.locator("#accuracy").select_option("hit@10")
    again = reader.open("#" + page.url.partition("#")[2])
    for place in ("#boards", "#slices", "#find", "#roles", "#difference-choices", "#cost-choices"):
        values = "node => [...node.parentElement.querySelectorAll('input, select')].map((n) => [n.value, n.checked])"
        assert again.locator(place).evaluate(values) == page.locator(place).evaluate(values)
    assert shown_names(again) == shown_names(page)
    assert again.locator("#forest").inner_text() == page.locator("#forest").inner_text()
    assert sorted_state(again, "hit@1") == "ascending"
    again.evaluate("location.hash = '#suite=click_through'")
    again.wait_for_selector('[id="sort-auc"]')
    assert len(shown_names(again)) == 12


@pytest.mark.parametrize(
    "place", ["#suite=nothing", "#board=x&slice=y&sort=z&baseline=q&difference=r&codes=9&cost=w", "#%%%&&=&a=b=c"]
)
def test_addresses_that_name_nothing_show_the_usual_view(reader, place):
    usual, other = reader.open(), reader.open(place)
    assert other.locator("main").inner_text() == usual.locator("main").inner_text()


@pytest.mark.parametrize("width", [360, 390, 768])
@pytest.mark.parametrize("place", ["", "#suite=click_through", "#suite=sid_quality"])
def test_the_page_never_scrolls_sideways(reader, width, place):
    page = reader.open(place, width=width, has_touch=True, is_mobile=True)
    page.locator(".opener").first.click()
    assert page.evaluate(IN_SIGHT)
    assert page.evaluate("window.innerWidth") == width
    for canvas in page.locator("canvas").all():
        canvas.tap()
    assert page.locator(".tooltip:visible").count() == page.locator("canvas").count()
    assert page.evaluate(IN_SIGHT)


def test_the_first_column_stays_while_the_table_scrolls(reader):
    page = reader.open(width=390)
    assert page.locator("#table-box").evaluate("box => box.scrollWidth > box.clientWidth")
    first = page.locator("tr.method th").first
    before = first.bounding_box()["x"]
    page.locator("#table-box").evaluate("box => { box.scrollLeft = 200; }")
    assert first.bounding_box()["x"] == pytest.approx(before, abs=1)


def test_a_wider_window_makes_wider_figures(reader):
    page = reader.open(width=500)
    before = float(page.locator("#forest svg").get_attribute("width"))
    page.set_viewport_size({"width": 1100, "height": 900})
    wait_until(page, f"+document.querySelector('#forest svg').getAttribute('width') > {before + 300}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_enough_contrast(reader, scheme):
    page = reader.open(scheme=scheme)
    page.locator(".opener").first.click()
    assert page.evaluate(LOW_CONTRAST) == []


LOW_CONTRAST = """() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => parts(color).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((parts(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const low = [];
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("script, noscript")) continue;
    const style = getComputedStyle(node);
    const ink = node instanceof SVGElement ? style.fill : style.color;
    const found = ratio(light(ink), light(ground(node)));
    if (found < 4.5) low.push([walker.currentNode.data, ink, ground(node), found]);
  }
  return low;
}"""


def test_a_hostile_leaderboard_is_inert(browser, made_up, tmp_path):
    hostile = copy.deepcopy(made_up)
    suite, board = hostile["suites"][2], hostile["suites"][2]["boards"][0]
    hostile["suites"] = [suite]
    suite["title"] = suite["description"] = suite["interval"] = board["title"] = HOSTILE
    suite["columns"][0]["title"] = suite["slices"][0]["title"] = HOSTILE
    board["facts"] = [[HOSTILE, HOSTILE]]
    method = board["methods"][0]
    board["maps"] = {HOSTILE: board["maps"]["lgsid"]}
    board["cards"] = {HOSTILE: [[HOSTILE, HOSTILE, HOSTILE]]}
    board["methods"][0] = {**method, "name": HOSTILE, "title": HOSTILE, "help": HOSTILE, "facts": [[HOSTILE, HOSTILE]]}
    path = tmp_path / "hostile.html"
    write_page(hostile, path)
    for reader in reading(browser, path):
        page = reader.open()
        page.locator(".opener", has_text="onerror").click()
        page.locator("#map-canvas-left").click()
        assert page.title() == "lgsid leaderboard"
        assert page.locator("img, script:not([type]) ~ script").count() == 0
        assert HOSTILE in page.locator("tr.method .name").all_inner_texts()
        assert HOSTILE in page.locator("tr.detail").inner_text()


def test_the_policy_stops_what_gets_in(browser, page_file):
    reader = Reader(browser, page_file.as_uri())
    page = reader.open()
    page.evaluate("""() => {
      const image = document.createElement("img");
      image.src = "https://example.org/x.png";
      const script = document.createElement("script");
      script.textContent = "document.title = 'broken in'";
      document.body.append(image, script);
      return fetch("https://example.org/").catch(() => null);
    }""")
    assert page.title() == "lgsid leaderboard"
    assert any("Content Security Policy" in text for text in reader.complaints)
    reader.contexts[0].close()


@pytest.mark.parametrize("suites", [[], [{"name": "a", "title": "A", "boards": []}]])
def test_an_empty_leaderboard_says_so(browser, tmp_path, suites):
    path = tmp_path / "empty.html"
    write_page({"format": 1, "title": "Nothing yet", "source": "", "suites": suites}, path)
    for reader in reading(browser, path):
        page = reader.open()
        assert page.get_by_text("There are no results yet").is_visible()
        assert page.locator("main").is_hidden()
        assert page.get_by_role("heading", name="Nothing yet").is_visible()


def test_without_script_it_says_so(reader):
    page = reader.open(java_script_enabled=False)
    assert page.locator("noscript p").is_visible()


def test_differences_that_nobody_judged_are_hollow(browser, made_up, tmp_path):
    unjudged = copy.deepcopy(made_up)
    unjudged["suites"] = unjudged["suites"][:1]
    found = differences_from(unjudged, "TimeTransition")
    found.update({name: [value[0], None, None, None, None] for name, value in found.items()})
    path = tmp_path / "unjudged.html"
    write_page(unjudged, path)
    for reader in reading(browser, path):
        page = reader.open()
        assert page.locator("#forest .muted").count() == len(found)
        assert page.locator("#forest .difference line").count() == 0
        assert "p " not in page.locator("#forest .difference").first.text_content()


def test_gaps_in_the_data_are_shown_as_gaps(browser, made_up, tmp_path):
    sparse = copy.deepcopy(made_up)
    suite = sparse["suites"][0]
    sparse["suites"] = [suite]
    board = suite["boards"][0]
    board["differences"] = {}
    for method in board["methods"]:
        method["seconds"] = method["peak_memory_mb"] = None
        method["values"] = {key: [value[0], None, None] for key, value in method["values"].items() if key == "hit@1"}
    board["methods"][0]["values"] = {}
    path = tmp_path / "sparse.html"
    write_page(sparse, path)
    for reader in reading(browser, path):
        page = reader.open()
        assert page.locator("thead th").count() == 2
        assert shown_names(page)[-1] == "lgsid"
        assert "No difference from" in page.locator("#forest").inner_text()
        assert "No chosen method has a known cost" in page.locator("#cost").inner_text()
        page.locator('input[name="slice"][value="new/"]').check()
        assert "Nothing was measured" in page.locator("#table-box").inner_text()
