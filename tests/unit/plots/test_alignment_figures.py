"""The figures of an alignment: radar, first codes, dial."""

from __future__ import annotations

import numpy as np
import pytest

from lgsid.artefacts import SemanticIDs
from lgsid.plots import DialPoint, alignment_dial, coverage_radar, first_code_bars, save_png
from lgsid.testing import toy_city


@pytest.fixture(scope="module")
def items():
    return toy_city(n_items=40).items


def test_radar_closes_and_keeps_the_order_of_its_axes(tmp_path):
    shares = {"before": [0.1, 0.2, 0.3], "after": [0.4, 0.5, 0.6], "bound": [1.0, 0.9, 0.8]}
    figure = coverage_radar(["city", "district", "category"], shares)
    polar = figure.axes[0]
    for line, (name, values) in zip(polar.lines, shares.items(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), [*values, values[0]])
        assert line.get_label() == name
        assert line.get_linestyle() == ("--" if name == "bound" else "-")
    assert [label.get_text() for label in polar.get_xticklabels()] == ["city", "district", "category"]
    save_png(figure, tmp_path / "radar.png")


def test_bars_count_the_places_of_a_kind_and_the_others(items, tmp_path):
    n = len(items)
    members = np.zeros(n, dtype=bool)
    members[:12] = True
    after = np.where(members, 0, 1 + np.arange(n) % 3)  # all of the kind on one code
    before = np.arange(n) % 4
    columns = {
        title: SemanticIDs(items.ids, np.stack([first, np.arange(n)], axis=1), (4, n))
        for title, first in (("before", before), ("after", after))
    }
    figure = first_code_bars(items, columns, {"kind": members})
    left, right = figure.axes
    own = [bar.get_width() for bar in left.containers[0]]
    others = [bar.get_width() for bar in left.containers[1]]
    assert own == [3, 3, 3, 3]
    assert others == [7, 7, 7, 7]
    assert [bar.get_width() for bar in right.containers[0]] == [12]
    assert [bar.get_width() for bar in right.containers[1]] == [0]
    assert right.get_title(loc="left") == "kind, after"
    assert "12 places on 1 first codes, 100% on these 1" in [text.get_text() for text in right.texts]
    save_png(figure, tmp_path / "codes.png")


def test_dial_draws_each_setting_in_its_order(tmp_path):
    row = [DialPoint(str(i), 0.8 - 0.1 * i, 0.6 + 0.1 * i, 0.9, 0.04 + 0.01 * i, 0.08) for i in range(3)]
    start = DialPoint("unaligned", 0.83, 0.58, 0.7, 0.03, 0.075)
    figure = alignment_dial({"steps": row}, start, 0.075)
    coverage, retrieval, added = figure.axes
    drawn = {line.get_label(): line for line in retrieval.lines}
    np.testing.assert_allclose(drawn["steps"].get_xdata(), [point.purity for point in row])
    np.testing.assert_allclose(drawn["steps"].get_ydata(), [point.retrieval for point in row])
    oracle = next(line for line in coverage.lines if line.get_label() == "oracle")
    np.testing.assert_allclose(oracle.get_xdata(), sorted(point.purity for point in [start, *row]))
    assert "distance alone" in [line.get_label() for line in added.lines]
    save_png(figure, tmp_path / "dial.png")
    without = alignment_dial({"steps": row}, start)
    assert "distance alone" not in [line.get_label() for line in without.axes[2].lines]
