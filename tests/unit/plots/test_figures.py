"""Maps, projections and charts."""

from __future__ import annotations

import math
import sys
import warnings

import geopandas
import numpy as np
import pandas as pd
import pytest
from matplotlib.cbook import is_math_text
from matplotlib.text import Text
from PIL import Image
from shapely.geometry import Point, box

from lgsid.artefacts import Items, SemanticIDs
from lgsid.plots import (
    BeforeAfter,
    ModelScores,
    embedding_projection,
    neighborhood_bars,
    prefix_distances,
    ranking_bars,
    save_png,
    sid_map,
    terminal_map,
)
from lgsid.plots.embedding_projection import project, region_level, value_colors
from lgsid.plots.map_window import MapWindow, city_window, dense_window, local_km, round_length_km
from lgsid.plots.palette import CATEGORICAL, GRAY
from lgsid.plots.prefix_groups import (
    describe_prefix,
    kilometers_within,
    km_text,
    most_frequent,
    prefix_groups,
    prefix_token,
    shortened,
)
from lgsid.plots.terminal_map import block, majority


@pytest.fixture(scope="module")
def items() -> Items:
    rng = np.random.default_rng(0)
    n = 90
    district = rng.integers(0, 3, n)
    return Items.from_frame(
        pd.DataFrame(
            {
                "item_id": [f"p{i}" for i in range(n)],
                "name": [f"Place {i}" for i in range(n)],
                "category": np.array(["Bar", "Café", "Gym", "Museum"])[rng.integers(0, 4, n)],
                "category_group": "",
                "brand": "",
                "lat": 60 + district * 0.02 + rng.normal(0, 0.003, n),
                "lon": 10 + rng.normal(0, 0.006, n),
                "region_1": np.array(["North", "Middle", "South"])[district],
            }
        )
    )


@pytest.fixture(scope="module")
def sids(items) -> SemanticIDs:
    codes = np.stack([items.codes("region_1")[0], items.codes("category")[0], np.arange(len(items))], axis=1)
    return SemanticIDs(items.ids, codes, (4, 5, len(items)))


@pytest.fixture(scope="module")
def random_sids(items) -> SemanticIDs:
    rng = np.random.default_rng(1)
    return SemanticIDs(items.ids, rng.integers(0, 5, (len(items), 2)), (5, 5))


def test_a_km_is_as_long_to_the_north_as_to_the_east(items):
    east = local_km(np.array([60.0, 60.0]), np.array([10.0, 10.1]), (60.0, 10.0))
    north = local_km(np.array([60.0, 60.1]), np.array([10.0, 10.0]), (60.0, 10.0))
    assert east[1, 0] == pytest.approx(0.1 * 111.195 * math.cos(math.radians(60)), rel=1e-4)
    assert north[1, 1] == pytest.approx(0.1 * 111.195, rel=1e-4)


def test_city_across_the_date_line_stays_in_one_piece():
    xy = local_km(np.array([-17.0, -17.0, -17.0]), np.array([179.9, -179.9, 180.0]))
    assert np.ptp(xy[:, 0]) == pytest.approx(0.2 * 111.195 * math.cos(math.radians(17)), rel=1e-3)


def test_map_panels_show_equal_scales(items, sids, random_sids, tmp_path):
    figure = sid_map(items, {"Ours": sids, "Random": random_sids}, place="Toy")
    save_png(figure, tmp_path / "map.png")
    assert len(figure.axes) == 4
    for axes in figure.axes:
        box_in = axes.get_window_extent()
        width, height = np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
        assert box_in.width / width == pytest.approx(box_in.height / height, rel=1e-6)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["First code", "First two codes, framed part"] * 2
    assert {"Ours", "Random"} <= {text.get_text() for text in figure.texts}
    assert "Toy" in figure.get_suptitle()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    xy = local_km(items.frame["lat"].to_numpy(), items.frame["lon"].to_numpy())
    inside = dense_window(xy, city_window(xy)).inside(xy)
    sizes = items.frame[inside].groupby(["region_1", "category"]).size()
    assert len(legend) == (sizes > 1).sum() > 2
    region, category = sizes.idxmax()
    assert f"{region} · {category}" in legend[0]


def test_map_of_one_set_of_one_level_with_outlines(items, tmp_path):
    flat = SemanticIDs(items.ids, np.zeros((len(items), 1), np.int64), (1,))
    outlines = geopandas.GeoDataFrame(geometry=[box(9.9, 59.9, 10.1, 60.1)], crs="EPSG:4326").to_crs("EPSG:3857")
    figure = sid_map(items, {"Ours": flat}, outlines=outlines)
    save_png(figure, tmp_path / "map.png")
    assert len(figure.axes) == 2


def test_map_of_two_places_in_one_spot(items, tmp_path):
    two = Items.from_frame(pd.DataFrame(items.frame.iloc[[0, 0]]).assign(item_id=["a", "b"]))
    ids = SemanticIDs(two.ids, np.array([[0, 1], [0, 2]]), (1, 3))
    save_png(sid_map(two, {"Ours": ids}), tmp_path / "map.png")
    save_png(prefix_distances(two, {"Ours": ids}), tmp_path / "km.png")
    assert terminal_map(two, ids).plain.strip()


def test_windows():
    rng = np.random.default_rng(0)
    xy = np.concatenate([rng.uniform(-10, 10, (300, 2)), rng.normal([5, -5], 0.3, (300, 2)), [[900.0, 900.0]]])
    city = city_window(xy)
    assert city.width_km == pytest.approx(city.height_km)
    assert city.width_km < 40  # the far one is outside
    assert city.inside(xy).mean() > 0.95
    zoom = dense_window(xy, city)
    assert zoom.inside(np.array([[5.0, -5.0]])).all()
    assert zoom.width_km == pytest.approx(0.2 * city.width_km)
    assert dense_window(xy, city, share=0.9).inside(xy).mean() > zoom.inside(xy).mean()
    assert city_window(xy, aspect=2.0).width_km == pytest.approx(2 * city_window(xy, aspect=2.0).height_km)


@pytest.mark.parametrize(("width", "length"), [(40.0, 10), (39.0, 5), (8.1, 2), (0.9, 0.2), (2000.0, 500)])
def test_scale_bar_is_the_longest_round_length_under_a_quarter(width, length):
    assert round_length_km(width) == pytest.approx(length)


def test_window_inside():
    window = MapWindow(0, 0, 2, 1)
    np.testing.assert_array_equal(window.inside(np.array([[1, 0.5], [1, 1.5], [-1, 0.5]])), [True, False, False])


def test_prefix_groups_are_the_distinct_prefixes():
    codes = np.array([[3, 1], [3, 2], [3, 1], [0, 1]])
    np.testing.assert_array_equal(prefix_groups(codes, 1), [1, 1, 1, 0])
    pairs = prefix_groups(codes, 2)
    assert pairs[0] == pairs[2]
    assert len(set(pairs.tolist())) == 3
    np.testing.assert_array_equal(prefix_groups(codes, 9), pairs)


def test_kilometers_within_against_the_haversine(items):
    lat, lon = items.frame["lat"].to_numpy(), items.frame["lon"].to_numpy()
    groups = items.codes("region_1")[0]
    expected = []
    for i in range(len(items)):
        for j in range(i):
            if groups[i] == groups[j]:
                a, b, c, d = map(math.radians, (lat[i], lat[j], lon[i], lon[j]))
                h = math.sin((a - b) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin((c - d) / 2) ** 2
                expected.append(2 * 6371.0088 * math.asin(math.sqrt(h)))
    np.testing.assert_allclose(np.sort(kilometers_within(lat, lon, groups)), np.sort(expected), rtol=1e-9, atol=1e-9)


def test_words(items):
    assert most_frequent(np.array(["b", "", "a", "b", "a"], dtype=object)) == ("a", 0.4)
    assert most_frequent(np.array(["", ""], dtype=object)) == ("", 0.0)
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert km_text(0.28) == "280 m"
    assert km_text(2.14) == "2.1 km"
    assert prefix_token(np.array([12, 3])) == "<a_12><b_3>"
    north = items.take(items.texts("region_1") == "North")
    assert describe_prefix(north, "<a_1>").startswith("<a_1> North · ")
    assert describe_prefix(north, "<a_1>").endswith(f"({len(north)})")


def test_prefix_distances_fall_for_geographic_codes(items, sids, random_sids, tmp_path):
    figure = prefix_distances(items, {"Ours": sids, "Random": random_sids})
    save_png(figure, tmp_path / "km.png")
    ours, shuffled, random = (line.get_ydata() for line in figure.axes[0].lines)
    assert ours[0] < 0.5 * shuffled[0]
    assert random[0] == pytest.approx(shuffled[0], rel=0.3)
    assert np.isnan(ours[2])  # unique SIDs: no pair shares all codes


def test_projection_is_seeded_and_separates_clusters(items):
    rng = np.random.default_rng(0)
    member = np.arange(60) % 2
    vectors = (rng.normal(size=(60, 8)) * 0.1 + np.eye(8)[member]).astype(np.float32)
    flat = project(vectors, 0)
    np.testing.assert_array_equal(flat, project(vectors, 0))
    centers = np.array([flat[member == m].mean(axis=0) for m in (0, 1)])
    nearer = np.linalg.norm(flat[:, None] - centers[None], axis=2).argmin(axis=1)
    assert (nearer == member).mean() > 0.95


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_projection_of_very_few_vectors(count):
    vectors = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    assert project(vectors, 0).shape == (count, 2)


def test_embedding_figure(items, tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2, len(items), 6)).astype(np.float32)
    figure = embedding_projection(items, vectors[0], vectors[1], "district")
    save_png(figure, tmp_path / "embeddings.png")
    assert [a.get_title(loc="left") for a in figure.axes] == [
        "Before, colored by district",
        "After, colored by district",
        "Before, colored by category",
        "After, colored by category",
    ]


def test_region_level_nearest_to_ten(items):
    fine = items.frame.assign(region_2=[f"r{i}" for i in range(len(items))])
    assert region_level(Items.from_frame(pd.DataFrame(fine.drop(columns="geometry")))) == "region_1"
    assert region_level(Items.from_frame(pd.DataFrame(fine.drop(columns=["geometry", "region_1", "region_2"])))) is None


def test_value_colors_rank_by_count():
    values = np.array(["b", "a", "b", "", "", "", "c"], dtype=object)
    assert list(value_colors(values).items()) == list(zip("bac", CATEGORICAL, strict=False))
    assert GRAY not in value_colors(values).values()


def test_bars_show_the_values(tmp_path):
    figure = neighborhood_bars([BeforeAfter("borough", 0.5, 0.75)], [BeforeAfter("median", 2.0, 1.0)])
    save_png(figure, tmp_path / "bars.png")
    heights = [patch.get_height() for patch in figure.axes[0].patches]
    assert heights == [0.5, 0.75]
    assert [t.get_text() for t in figure.axes[1].texts] == ["2.00", "1.00"]
    assert len(neighborhood_bars([BeforeAfter("borough", 0.5, 0.75)]).axes) == 1


def test_leaderboard_rows_and_missing_values(tmp_path):
    models = [ModelScores("A", "learnt", {"test/mrr@10": 0.4}), ModelScores("B", "counting", {"test/hit@10": 0.2})]
    figure = ranking_bars(models)
    save_png(figure, tmp_path / "board.png")
    assert len(figure.axes) == 2  # nobody has the metrics of new places
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["A", "B"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.400", "not measured"]
    assert math.isnan(models[0].value("test/hit@10"))
    save_png(ranking_bars([]), tmp_path / "empty.png")


def test_same_figure_same_bytes(items, sids, tmp_path):
    for name in ("a", "b"):
        save_png(sid_map(items, {"Ours": sids}), tmp_path / f"{name}.png", dpi=60)
    first = (tmp_path / "a.png").read_bytes()
    assert first == (tmp_path / "b.png").read_bytes()
    assert first[:4] == b"\x89PNG"
    assert b"tEXt" not in first
    assert b"tIME" not in first


def test_terminal_map_has_the_size_asked_for(items, sids):
    text = terminal_map(items, sids, columns=40, rows=12)
    lines = text.plain.split("\n")
    assert [len(line) for line in lines] == [40] * 12
    assert set(text.plain) <= set("▀▄█ \n")
    assert len(text.spans) > 0


def test_majority_of_a_cell():
    cells = np.array([[0, 0], [0, 0], [0, 0], [1, 1]])
    shades = majority(cells, np.array([7, 8, 8, 7]), np.array([1, 2, 2, 1]), width=2, height=2)
    np.testing.assert_array_equal(shades, [[2, -1], [-1, 1]])


def test_half_blocks():
    assert block(-1, -1) == (" ", None)
    assert block(-1, 0)[0] == "▄"
    assert block(0, -1)[0] == "▀"
    assert block(3, 3)[0] == "█"
    character, style = block(0, 1)
    assert character == "▀"
    assert style.color.name == CATEGORICAL[0]
    assert style.bgcolor.name == CATEGORICAL[1]


def test_pyplot_is_never_imported(items, sids, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # any import of it fails
    outlines = geopandas.GeoDataFrame(
        geometry=[box(9.9, 59.9, 10.1, 60.1), Point(10, 60).buffer(0.01)], crs="EPSG:4326"
    )
    save_png(sid_map(items, {"Ours": sids}, outlines=outlines), tmp_path / "map.png")
    save_png(prefix_distances(items, {"Ours": sids}), tmp_path / "km.png")
    save_png(ranking_bars([ModelScores("A", "learnt", {"test/mrr@10": 0.4})]), tmp_path / "board.png")
    save_png(neighborhood_bars([BeforeAfter("borough", 0.5, 0.75)]), tmp_path / "bars.png")


HOSTILE = [
    "$x$ $",
    "$\\frac{$",
    "\\",
    "_a_{b}^",
    "100 %",
    "\U0001f600 漢 \ue000",
    "n" * 5000,
    "a\nb\rc\td",
    "\x00\x1b[31m",
]
HOSTILE += ["{}", "\u202ex", "\\$", "#", "  ", "_nolegend_"]


def test_hostile_names_break_no_figure(tmp_path):
    """Whatever texts the data hold, each figure is written, quietly, at its size, and no text is mathematics."""
    rng = np.random.default_rng(1)
    n = 90
    frame = pd.DataFrame(
        {
            "item_id": [f"p{i}" for i in range(n)],
            "name": [HOSTILE[i % len(HOSTILE)] for i in range(n)],
            "category": [HOSTILE[(i * 7) % len(HOSTILE)] for i in range(n)],
            "category_group": "",
            "brand": "",
            "lat": 60 + rng.normal(0, 0.01, n),
            "lon": 10 + rng.normal(0, 0.01, n),
            "region_1": [HOSTILE[i % len(HOSTILE)] for i in range(n)],
        }
    )
    items = Items.from_frame(frame)
    codes = np.stack([np.arange(n) % 5, np.arange(n) // 5], 1)
    ids = SemanticIDs(items.ids, codes, (5, 18))
    vectors = rng.normal(size=(n, 8)).astype(np.float32)
    pairs = [BeforeAfter(name, 0.1, 0.2) for name in HOSTILE]
    models = [ModelScores(name, "counting", {"test/mrr@10": 0.1}) for name in HOSTILE]
    figures = [
        sid_map(items, dict.fromkeys(HOSTILE[:3], ids), HOSTILE[0]),
        sid_map(items, {HOSTILE[6]: ids}, HOSTILE[6]),
        prefix_distances(items, dict.fromkeys(HOSTILE, ids)),
        embedding_projection(items, vectors, vectors, HOSTILE[0]),
        neighborhood_bars(pairs, pairs, 5),
        ranking_bars(models),
    ]
    for number, figure in enumerate(figures):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            save_png(figure, tmp_path / f"{number}.png", dpi=40)
        size = Image.open(tmp_path / f"{number}.png").size
        assert size == tuple(int(40 * inches) for inches in figure.get_size_inches())
        texts = [text.get_text() for text in figure.findobj(Text)]
        assert not any(is_math_text(text) for text in texts)
        assert max(map(len, texts)) < 200
