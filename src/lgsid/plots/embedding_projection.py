"""Embeddings before and after the alignment, flattened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from lgsid.artefacts import Items
from lgsid.escaping import in_figure
from lgsid.plots.canvas import bare_axes, dot_handles, new_figure, set_heading, set_title
from lgsid.plots.palette import CATEGORICAL, GRAY, INK, SOFT_INK
from lgsid.plots.prefix_groups import shortened

MAX_ITEMS, MAX_VALUES, PCA_WIDTH = 2000, 12, 50


def embedding_projection(
    items: Items,
    before: npt.NDArray[np.float32],
    after: npt.NDArray[np.float32],
    region_name: str = "region",
    seed: int = 0,
) -> Figure:
    """Draw a t-SNE of the item vectors before and after the alignment, colored by region and by category.

    Args:
        items: The N places.
        before: Vectors of the encoder as it came, shape (N, D).
        after: Vectors of the aligned encoder, shape (N, D).
        region_name: What the regions of the level chosen by `readable_region` are called.
        seed: Seed of the subsample and of the projection.

    Returns:
        The figure: two columns (before, after), two rows (region, category).
    """
    rows = subsample(len(items), seed)
    chosen = items.take(rows)
    flat = [project(vectors[rows], seed) for vectors in (before, after)]
    labels = {region_name: readable_region(chosen), "category": readable_category(chosen)}
    figure = new_figure(10.6, 8.9)
    set_heading(figure, f"Item vectors before and after the alignment (t-SNE of {len(rows):,} places)")
    panels = figure.subplots(2, 2)
    for row, (name, values) in enumerate(labels.items()):
        colors = value_colors(values)
        shades = np.array([colors.get(value, GRAY) for value in values.tolist()], dtype=object)
        order = np.argsort(shades != GRAY, kind="stable")
        for column, when in enumerate(("before", "after")):
            axes = panels[row, column]
            xy = flat[column][order]
            axes.scatter(
                xy[:, 0], xy[:, 1], s=float(np.clip(9000 / len(rows), 5, 26)), c=shades[order].tolist(), linewidths=0
            )
            axes.set_aspect("equal", adjustable="datalim")
            axes.margins(0.03)
            bare_axes(axes)
            set_title(axes, f"{when.capitalize()}, colored by {name}")
        axes.legend(
            handles=legend_handles(values, colors),
            loc="center left",
            bbox_to_anchor=(1.01, 0.5),
            frameon=False,
            fontsize=8,
            labelcolor=INK,
            title=in_figure(name, 40),
            title_fontsize=8.5,
            alignment="left",
            handletextpad=0.2,
        ).get_title().set_color(SOFT_INK)
    return figure


def legend_handles(values: npt.NDArray[np.object_], colors: Mapping[str, str]) -> list[Line2D]:
    """Return the entries of a legend, with one for all others if there are others."""
    names = [shortened(value, 26) for value in colors]
    others = not set(values.tolist()) <= set(colors)
    return dot_handles([*colors.values(), *([GRAY] if others else [])], [*names, *(["all others"] if others else [])])


def subsample(count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return at most `MAX_ITEMS` rows of `count`, sampled without replacement, in order."""
    if count <= MAX_ITEMS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MAX_ITEMS, replace=False))


def project(vectors: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float64]:
    """Flatten vectors (N, D) of any length to (N, 2) by t-SNE on their directions, started from their PCA.

    Fewer than five vectors are only rotated, by PCA.
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    unit = np.asarray(unit - unit.mean(axis=0), dtype=np.float64)
    width = min(PCA_WIDTH, *unit.shape)
    if len(unit) < 2:
        return np.zeros((len(unit), 2))
    reduced = PCA(width, svd_solver="full").fit_transform(unit)
    if len(unit) < 5 or width < 2:
        return np.asarray(np.pad(reduced[:, :2], ((0, 0), (0, max(0, 2 - reduced.shape[1])))))
    perplexity = min(30.0, (len(unit) - 1) / 3)
    model = TSNE(init="pca", perplexity=perplexity, max_iter=600, random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(reduced), dtype=np.float64)


def readable_region(items: Items) -> npt.NDArray[np.object_]:
    """Return the regions (N,) of the level whose number of regions is nearest to what a legend can hold."""
    column = region_level(items)
    return items.texts(column) if column else np.full(len(items), "", dtype=object)


def region_level(items: Items) -> str | None:
    """Return the region column with the number of regions nearest (in ratio) to ten; none without regions."""
    sizes = {column: len(set(items.texts(column)) - {""}) for column in items.region_columns}
    known = [column for column, size in sizes.items() if size]
    return min(known, key=lambda column: abs(np.log(sizes[column] / 10)), default=None)


def readable_category(items: Items) -> npt.NDArray[np.object_]:
    """Return the category groups (N,) if there are at least three, else the categories."""
    groups = items.texts("category_group")
    return groups if len(set(groups.tolist()) - {""}) >= 3 else items.texts("category")


def value_colors(values: npt.NDArray[np.object_]) -> Mapping[str, str]:
    """Give the most frequent texts a color each, the most frequent first, ties by alphabet."""
    counts = Counter(value for value in values.tolist() if value)
    ranked = sorted(counts, key=lambda value: (-counts[value], value))[:MAX_VALUES]
    return dict(zip(ranked, CATEGORICAL, strict=False))
