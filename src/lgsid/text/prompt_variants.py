"""Prompts from which parts are taken away, to find out what a model reads in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lgsid.artefacts import Items
from lgsid.text.grid_cells import cell_level
from lgsid.text.prompt_template import PromptTemplate, is_region


@dataclass(frozen=True)
class PromptVariant:
    """A way to write the prompts of places, derived from a template.

    Args:
        key: Name in result files.
        title: Heading.
        help: What it is, in one sentence.
        prompts: Template, N places, random generator -> N prompts.
    """

    key: str
    title: str
    help: str
    prompts: Callable[[PromptTemplate, Items, np.random.Generator], list[str]]


def is_coordinate(field: str) -> bool:
    """Tell whether a field of a template says a position in numbers: a coordinate, or a cell of the grid."""
    return field in ("lat", "lon") or cell_level(field) is not None


def _shuffled_contents(template: PromptTemplate, items: Items, rng: np.random.Generator) -> list[str]:
    contents, locations = template.contents(items), template.locations(items)
    order = rng.permutation(len(items)).tolist()
    return [template.join(contents[other], location) for other, location in zip(order, locations, strict=True)]


PROMPT_VARIANTS: tuple[PromptVariant, ...] = (
    PromptVariant("true", "true prompts", "Prompts as they are.", lambda template, items, _: template.prompts(items)),
    PromptVariant(
        "shuffled_contents",
        "contents shuffled",
        "Every location stands under the content of a random place.",
        _shuffled_contents,
    ),
    PromptVariant(
        "location_only", "location only", "Location halves alone.", lambda template, items, _: template.locations(items)
    ),
    PromptVariant(
        "content_only", "content only", "Content halves alone.", lambda template, items, _: template.contents(items)
    ),
    PromptVariant(
        "no_coordinates",
        "no coordinates",
        "Latitude, longitude and grid cells are left out.",
        lambda template, items, _: template.without(is_coordinate).prompts(items),
    ),
    PromptVariant(
        "no_regions",
        "no region names",
        "Names of regions are left out.",
        lambda template, items, _: template.without(is_region).prompts(items),
    ),
)
