import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items
from lgsid.errors import LgsidError
from lgsid.text import PromptTemplate


def places(**columns: list) -> Items:
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame(
        {
            "item_id": [f"i{k}" for k in range(n)],
            "name": [""] * n,
            "category": [""] * n,
            "category_group": [""] * n,
            "brand": [""] * n,
            "lat": np.full(n, 40.71239),
            "lon": np.full(n, -73.5),
            "region_1": ["Queens"] * n,
            "region_2": ["Astoria"] * n,
        }
    )
    return Items.from_frame(frame.assign(**columns))


def contents(template: str, **columns: list) -> list[str]:
    return PromptTemplate(content=template).contents(places(**columns))


def test_halves_and_prompts() -> None:
    items = places(name=["Joe's"], category=["Café"])
    template = PromptTemplate("{name}, {category}", "{region_2}, {region_1}, {lat:.4f} {lon:.4f}")
    assert template.contents(items) == ["Joe's, Café"]
    assert template.locations(items) == ["Astoria, Queens, 40.7124 -73.5000"]
    assert template.prompts(items) == ["Joe's, Café. Astoria, Queens, 40.7124 -73.5000"]
    assert template.join("a", "") == "a"
    assert template.join("", "b") == "b"


@pytest.mark.parametrize(
    ("name", "category", "group", "expected"),
    [
        ("Joe's", "Café", "Food", "Joe's, Café (Food)"),
        ("", "Café", "Food", "Café (Food)"),
        ("Joe's", "Café", "", "Joe's, Café"),
        ("Joe's", "", "", "Joe's"),
        ("", "", "", ""),
    ],
)
def test_groups_leave_nothing_dangling(name: str, category: str, group: str, expected: str) -> None:
    template = "[{name}][, {category}][ ({category_group})]"
    assert contents(template, name=[name], category=[category], category_group=[group]) == [expected]


@pytest.mark.parametrize(
    ("name", "category", "brand", "expected"),
    [
        ("", "Café", "", "Café"),
        ("Joe's", "", "", "Joe's"),
        ("Joe's", "", "J", "Joe's, J"),
        ("", "", "J", "J"),
        ("", "", "", ""),
    ],
)
def test_empty_fields_outside_groups_are_tidied(name: str, category: str, brand: str, expected: str) -> None:
    assert contents("{name}, {category}, {brand}", name=[name], category=[category], brand=[brand]) == [expected]


def test_full_texts_are_not_touched() -> None:
    assert contents("{name}; {category}", name=["A,, B :: C"], category=["x"]) == ["A,, B :: C; x"]


def test_negative_numbers_keep_their_sign() -> None:
    template = PromptTemplate(location="{lon:.1f}, {lat:.1f}")
    assert template.locations(places(name=["a"])) == ["-73.5, 40.7"]


def test_a_region_that_repeats_the_coarser_one_is_printed_once() -> None:
    items = places(region_1=["Essex", "Queens"], region_2=["Essex", "Astoria"])
    template = PromptTemplate(location="[{region_2}, ]{region_1}")
    assert template.locations(items) == ["Essex", "Astoria, Queens"]


def test_missing_region_levels_are_empty_and_other_missing_columns_an_error() -> None:
    assert PromptTemplate(location="[{region_7}, ]{region_1}").locations(places(name=["a"])) == ["Queens"]
    with pytest.raises(LgsidError, match="unknown field 'colour'; known are item_id, name"):
        PromptTemplate(content="{colour}").contents(places(name=["a"]))


@pytest.mark.parametrize("template", ["[{name}", "{name", "[[{name}]]", "{0}", "{}", "{name.upper}"])
def test_malformed_templates_are_one_line(template: str) -> None:
    with pytest.raises(LgsidError, match="prompt template, content"):
        PromptTemplate(content=template)


def test_unfit_format_is_one_line() -> None:
    with pytest.raises(LgsidError, match="cannot format field 'name'"):
        PromptTemplate(content="{name:.2f}").contents(places(name=["a"]))


def test_further_columns_and_missing_numbers() -> None:
    items = places(name=["a", "b"], rating=[8.25, float("nan")])
    assert PromptTemplate(content="{name}[, rated {rating:.1f}]").contents(items) == ["a, rated 8.2", "b"]


def test_permuting_items_permutes_prompts() -> None:
    items = places(name=["a", "b", "c"], category=["x", "", "z"])
    order = np.array([2, 0, 1])
    template = PromptTemplate()
    assert template.prompts(items.take(order)) == [template.prompts(items)[i] for i in order]


def test_cells_name_the_position_from_coarse_to_fine_unless_a_column_has_that_name() -> None:
    items = places(lat=[40.7126, float("nan")], lon=[-73.9938, -73.0])
    template = "[cells {cell_2}, {cell_3}, {cell_4}, {cell_5}]"
    assert PromptTemplate(location=template).locations(items) == ["cells 0 6, 7 0, 1 0, 2 6", ""]
    own = places(cell_2=["mine"])
    assert PromptTemplate(location="{cell_2}").locations(own) == ["mine"]
    with pytest.raises(LgsidError, match=r"unknown field 'cell_6'; known are .*, cell_1 to cell_5$"):
        PromptTemplate(location="{cell_6}").locations(items)
