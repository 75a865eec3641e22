import numpy as np
import pytest

from lgsid.testing import toy_city
from lgsid.text import PROMPT_VARIANTS, PromptTemplate
from lgsid.text.prompt_template import is_region
from lgsid.text.prompt_variants import is_coordinate

ITEMS = toy_city(n_items=40).items


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("[{region_3}, ][{region_1}, ]latitude {lat:.4f}, longitude {lon:.4f}", "[{region_3}, ][{region_1}, ]"),
        ("cells {cell_2}, {cell_3} in {region_1}", " in {region_1}"),
        ("[at {lat}, ]{name}", "{name}"),
        ("{{{lat}}} {name!s}", "{{}} {name}"),
        ("[{name}, ][near {region_1}, {lon:.1f}]", "[{name}, ]"),
    ],
)
def test_fields_go_with_the_words_before_them_or_the_brackets_around_them(template: str, expected: str) -> None:
    assert PromptTemplate(content=template).without(is_coordinate).content == expected


def test_what_each_variant_says() -> None:
    template = PromptTemplate("{category}[, {name}]", "[{region_2}, ][{region_1}, ]latitude {lat:.4f}")
    rng = np.random.default_rng(0)
    prompts = {variant.key: variant.prompts(template, ITEMS, rng) for variant in PROMPT_VARIANTS}
    contents, locations = template.contents(ITEMS), template.locations(ITEMS)
    assert prompts["true"] == template.prompts(ITEMS)
    assert prompts["content_only"] == contents
    assert prompts["location_only"] == locations
    halves = [text.split(". ", 1) for text in prompts["shuffled_contents"]]
    assert [location for _, location in halves] == locations
    assert sorted(content for content, _ in halves) == sorted(contents)
    assert [content for content, _ in halves] != contents
    for row in range(len(ITEMS)):
        numbers = f"latitude {ITEMS.lat_deg[row]:.4f}"
        assert prompts["no_regions"][row] == f"{contents[row]}. {numbers}"
        assert prompts["no_coordinates"][row] == f"{contents[row]}. {locations[row].removesuffix(f', {numbers}')}"


def test_positions_in_numbers_are_coordinates_and_cells() -> None:
    fields = ("lat", "lon", "cell_1", "cell_5", "cell_99", "region_1", "name")
    assert [field for field in fields if is_coordinate(field)] == ["lat", "lon", "cell_1", "cell_5"]
    assert [field for field in fields if is_region(field)] == ["region_1"]
