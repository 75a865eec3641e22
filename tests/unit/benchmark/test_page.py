"""The page of the leaderboard as text, and the maps on it."""

from __future__ import annotations

import base64
import copy
import hashlib
import html.parser
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.artefacts import Items, SemanticIDs
from lgsid.benchmark.city_map import SHARED_AT_LEAST, city_map
from lgsid.benchmark.page import PARTS, SCRIPTS, page_html, write_page
from lgsid.errors import LgsidError
from lgsid.plots.map_window import city_window, local_km
from lgsid.plots.palette import CATEGORICAL

HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>]]>\u2028[[data]]"


class Elements(html.parser.HTMLParser):
    """Start tags with their attributes, and the text of each script, as a browser would split them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[int, str] = {}
        self.is_open = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.is_open = True

    def handle_endtag(self, tag):
        self.is_open = False

    def handle_data(self, data):
        if self.is_open:
            place = len(self.tags) - 1
            self.texts[place] = self.texts.get(place, "") + data

    def text_of(self, tag, **attributes):
        found = [
            self.texts[i]
            for i, (name, attrs) in enumerate(self.tags)
            if name == tag and attributes.items() <= attrs.items() and i in self.texts
        ]
        return found[-1]


def small(name: str = "a") -> dict:
    method = {"name": name, "title": name, "role": "method", "help": "", "seeds": [1], "seconds": 1.0}
    method |= {"peak_memory_mb": None, "facts": [], "values": {"hit": [1 / 3, None, None]}}
    board = {"dataset": "d", "split": "s", "title": name, "facts": [], "baseline": name, "methods": [method]}
    board |= {"differences": {}, "maps": {}, "cards": {}}
    suite = {"name": "one", "title": "One", "description": "", "task": "t", "primary": "hit", "interval": "none"}
    suite |= {"columns": [{"key": "hit", "title": "Hit", "help": "", "higher": True, "digits": 3}]}
    suite |= {"slices": [{"key": "", "title": "all", "help": ""}], "boards": [board]}
    return {"format": 1, "title": f"board of {name}", "source": "", "suites": [suite]}


def embedded(page: str) -> dict:
    return json.loads(Elements(page).text_of("script", id="leaderboard-data"))


def test_texts_come_back_whole_and_open_no_element():
    page = page_html(small(HOSTILE))
    assert embedded(page)["suites"][0]["boards"][0]["methods"][0]["title"] == HOSTILE
    assert [tag for tag, _ in Elements(page).tags] == [tag for tag, _ in Elements(page_html(small())).tags]
    assert "alert(1)</script>" not in page
    assert Elements(page).text_of("title").startswith("board of </script>")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("<>!-/&\"'\\[]sciptx ")), max_size=40))
def test_any_text_survives(text):
    page = page_html(small(text))
    assert embedded(page)["suites"][0]["boards"][0]["title"] == text
    assert len(Elements(page).tags) == len(Elements(page_html(small())).tags)


def test_same_leaderboard_same_bytes(tmp_path):
    board = small()
    reordered = json.loads(json.dumps(dict(reversed(board.items()))))
    write_page(board, tmp_path / "a.html")
    write_page(reordered, tmp_path / "deep" / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "deep" / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page_html(board)


def test_numbers_keep_six_digits():
    assert embedded(page_html(small()))["suites"][0]["boards"][0]["methods"][0]["values"]["hit"] == [
        0.333333,
        None,
        None,
    ]


def test_what_is_not_json_is_refused():
    board = small()
    board["suites"][0]["boards"][0]["methods"][0]["seconds"] = float("nan")
    with pytest.raises(LgsidError, match="not JSON"):
        page_html(board)
    with pytest.raises(LgsidError, match="not JSON"):
        page_html({**small(), "source": object()})


def test_nothing_is_loaded():
    page = page_html(small())
    assert set(re.findall(r"https?://[^\"'\s]*", page)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in page
    assert "@import" not in page
    links = [attrs["href"] for tag, attrs in Elements(page).tags if tag == "link"]
    assert links == ["data:,"]
    assert not [attrs for _, attrs in Elements(page).tags if "src" in attrs]
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "import(", "sendBeacon", "innerHTML", "outerHTML", "eval("):
        assert word not in page, word


def test_policy_allows_the_own_script_and_style_only():
    elements = Elements(page_html(small()))
    policy = next(a["content"] for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        digest = hashlib.sha256(elements.text_of(tag).encode()).digest()
        assert rules[kind] == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert "unsafe" not in policy


def test_every_part_is_on_the_page_and_short():
    page = page_html(small())
    for path in PARTS.iterdir():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, path
        assert path.name == "template.html" or text in page, path
    assert {path.name for path in PARTS.iterdir()} == {"template.html", "style.css", *(f"{n}.js" for n in SCRIPTS)}
    assert "[[" not in page_html({"title": "t", "suites": []}).split('id="leaderboard-data"')[0]


# The map


def city(n: int = 400, seed: int = 0) -> Items:
    rng = np.random.default_rng(seed)
    lat, lon = 40.7 + rng.normal(0, 0.03, n), -74 + rng.normal(0, 0.04, n)
    lat[:3] += 5  # far away
    frame = pd.DataFrame({"item_id": [f"p{i}" for i in range(n)], "name": "Secret", "lat": lat, "lon": lon})
    return Items.from_frame(frame.assign(category="", category_group="", brand=""))


def codes_of(items: Items, sizes=(4, 3, 5), seed: int = 1) -> SemanticIDs:
    codes = np.random.default_rng(seed).integers(0, sizes, (len(items), len(sizes)))
    return SemanticIDs(items.ids, codes, tuple(sizes))


def cells_in(found: dict) -> list[tuple[int, int]]:
    starts = found["cells"]["row_starts"]
    rows = [row for row in range(found["rows"]) for _ in range(starts[row], starts[row + 1])]
    return list(zip(rows, found["cells"]["column"], strict=True))


def brute_force(sids: SemanticIDs, items: Items, cell_m: float, depth: int) -> dict[tuple[int, int], tuple]:
    xy = local_km(items.lat_deg, items.lon_deg)
    window = city_window(xy)
    codes = {key: tuple(row[:depth]) for key, row in zip(sids.item_ids, sids.codes.tolist(), strict=True)}
    found: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    for key, (x, y) in zip(items.ids, xy, strict=True):
        if abs(x - window.west_km - window.width_km / 2) > window.width_km / 2:
            continue
        if abs(y - window.south_km - window.height_km / 2) > window.height_km / 2:
            continue
        square = (int((y - window.south_km) * 1000 // cell_m), int((x - window.west_km) * 1000 // cell_m))
        found.setdefault(square, []).append(codes[key])
    south, west = min(row for row, _ in found), min(column for _, column in found)
    best = {square: min((-prefixes.count(prefix), prefix) for prefix in prefixes) for square, prefixes in found.items()}
    return {
        (row - south, column - west): (len(found[row, column]), best[row, column][1], -best[row, column][0])
        for row, column in sorted(found)
    }


@pytest.mark.parametrize("cell_m", [350.0, 900.0])
def test_map_is_what_a_loop_counts(cell_m):
    items = city()
    sids = codes_of(items)
    found = city_map(sids, items, cell_m)
    assert [layer["codes"] for layer in found["depths"]] == [1, 2, 3]
    for layer in found["depths"]:
        known = brute_force(sids, items, cell_m, layer["codes"])
        prefixes = [tuple(layer["prefix_codes"][index]) for index in layer["prefix"]]
        shown = zip(found["cells"]["places"], prefixes, layer["sharing"], strict=True)
        assert dict(zip(cells_in(found), shown, strict=True)) == known
        assert layer["prefixes"] == len({tuple(row) for row in sids.codes[:, : layer["codes"]].tolist()})
        assert len(layer["colours"]) == len(layer["prefix_codes"])
        assert set(layer["colours"]) <= set(range(len(CATEGORICAL)))
    assert found["places"] == sum(found["cells"]["places"])
    assert found["places"] + found["left_out"] == len(items)
    assert found["left_out"] >= 3
    assert found["columns"] == max(column for _, column in cells_in(found)) + 1


def test_order_of_places_and_of_ids_changes_nothing():
    items = city()
    sids = codes_of(items)
    rng = np.random.default_rng(5)
    mixed = items.take(rng.permutation(len(items)))
    rows = rng.permutation(len(items))
    moved = SemanticIDs(sids.item_ids[rows], sids.codes[rows], sids.codebook_sizes)
    assert city_map(moved, mixed) == city_map(sids, items)


def test_no_two_of_few_neighboring_prefixes_share_a_color():
    items = city()
    lon = items.lon_deg
    bands = np.searchsorted(np.quantile(lon, np.linspace(0, 1, 9)[1:-1]), lon)[:, None]
    layer = city_map(SemanticIDs(items.ids, bands, (8,)), items)["depths"][0]
    ordered = [color for _, color in sorted(zip(layer["prefix_codes"], layer["colours"], strict=True))]
    assert len(ordered) == 8
    assert all(a != b for a, b in itertools.pairwise(ordered))


def test_depths_of_single_places_are_left_out():
    items = city()
    own = np.arange(len(items))
    codes = np.stack([own % 7, own, own], axis=1)
    assert [d["codes"] for d in city_map(SemanticIDs(items.ids, codes, (7, 400, 400)), items)["depths"]] == [1]
    few = int(SHARED_AT_LEAST * len(items)) // 2
    codes[:few, 1] = 0
    assert [d["codes"] for d in city_map(SemanticIDs(items.ids, codes[:, :2], (7, 400)), items)["depths"]] == [1]


def test_map_holds_no_place():
    items = city()
    found = city_map(codes_of(items), items)
    text = json.dumps(found)
    assert "Secret" not in text
    numbers = [abs(float(number)) for number in re.findall(r"-?\d+\.?\d*", text)]
    assert all(number == int(number) for number in numbers)  # counts and indices: no coordinate has a place here
    assert not {"lat", "lon", "origin", "item_id", "name"} & set(re.findall(r'"(\w+)":', text))


def test_map_of_a_city_is_small():
    rng = np.random.default_rng(3)
    centres = rng.normal(0, 0.05, (60, 2))
    spots = centres[rng.integers(0, 60, 5000)] + rng.normal(0, 0.009, (5000, 2))
    frame = pd.DataFrame({"item_id": np.arange(5000).astype(str), "lat": 40 + spots[:, 0], "lon": spots[:, 1]})
    items = Items.from_frame(frame.assign(name="", category="", category_group="", brand=""))
    found = city_map(codes_of(items, (32, 16, 8)), items)
    assert 500 <= len(found["cells"]["column"]) <= 4000
    assert len(found["depths"]) == 3
    assert len(json.dumps(found, separators=(",", ":"))) < 60_000


def test_map_refuses_what_it_cannot_draw():
    items = city(20)
    with pytest.raises(LgsidError, match="empty"):
        city_map(codes_of(items), items.take(np.zeros(20, dtype=bool)))
    with pytest.raises(LgsidError, match="cell_m is 0"):
        city_map(codes_of(items), items, 0)
    with pytest.raises(LgsidError, match="none for 10 of 20 items"):
        city_map(codes_of(items.take(np.arange(10))), items)


def test_one_place_is_a_map():
    items = city(1)
    found = city_map(SemanticIDs(items.ids, np.zeros((1, 2), np.int64), (1, 1)), items)
    assert (found["columns"], found["rows"], found["depths"]) == (1, 1, [])


def test_leaderboard_is_not_changed():
    board = small()
    before = copy.deepcopy(board)
    page_html(board)
    assert board == before
