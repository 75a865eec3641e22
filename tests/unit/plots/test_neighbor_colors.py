"""Colors of groups on a map, and the palette they come from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsid.plots.neighbor_colors import neighbor_colors
from lgsid.plots.palette import CATEGORICAL

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colors):
    values = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colors])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def smallest_distance(linear_rgb):
    lab = np.cbrt(linear_rgb @ TO_LMS.T) @ TO_LAB.T
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    return apart[np.triu_indices(len(lab), 1)].min()


def test_palette_is_told_apart_by_all_eyes():
    rgb = linear(CATEGORICAL)
    assert smallest_distance(rgb) > 0.13
    for matrix in (PROTANOPIA, DEUTERANOPIA):
        assert smallest_distance(np.clip(rgb @ matrix.T, 0, 1)) > 0.08


def brute_force_neighbors(centers, m):
    pairs = set()
    for i, center in enumerate(centers):
        away = np.linalg.norm(centers - center, axis=1)
        away[i] = np.inf
        for j in np.argsort(away, kind="stable")[: min(m, len(centers) - 1)]:
            pairs.add((i, int(j)))
    return pairs


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_groups=st.integers(1, 150),
    n_colors=st.sampled_from([1, 3, 7, 11, 15]),
    skew=st.sampled_from([1.0, 4.0]),
)
def test_groups_near_each_other_never_share_a_color(seed, n_groups, n_colors, skew):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, 50)])
    xy = rng.normal(size=(len(groups), 2)) ** int(skew)  # skewed: some parts far denser than others
    colors = neighbor_colors(xy, groups * 7 - 3, n_colors)
    assert colors.min() >= 0
    assert colors.max() < n_colors
    of_group = [set(colors[groups == g].tolist()) for g in range(n_groups)]
    assert all(len(found) == 1 for found in of_group)
    centers = np.array([xy[groups == g].mean(axis=0) for g in range(n_groups)])
    for i, j in brute_force_neighbors(centers, (n_colors - 1) // 2):
        assert of_group[i] != of_group[j]


def test_hub_with_many_neighbors_is_still_unlike_them():
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    xy = np.concatenate([[[0.0, 0.0]], np.stack([np.cos(angles), np.sin(angles)], 1) * 3])
    colors = neighbor_colors(xy, np.arange(41), 5)
    assert len(set(colors.tolist())) > 1
    for i, j in brute_force_neighbors(xy, 2):
        assert colors[i] != colors[j]


def test_all_groups_in_one_spot_use_all_colors():
    colors = neighbor_colors(np.zeros((30, 2)), np.arange(30), 15)
    assert len(set(colors.tolist())) == 15


@pytest.mark.parametrize("order_seed", [0, 1])
def test_order_of_places_does_not_matter(order_seed):
    rng = np.random.default_rng(5)
    xy, groups = rng.normal(size=(200, 2)), rng.integers(0, 40, 200)
    order = np.random.default_rng(order_seed).permutation(200)
    np.testing.assert_array_equal(neighbor_colors(xy, groups, 15)[order], neighbor_colors(xy[order], groups[order], 15))
