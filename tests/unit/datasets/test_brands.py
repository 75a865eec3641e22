import numpy as np
import pytest

from lgsid.datasets import Brands, CategoryGroups
from lgsid.datasets.normalize_name import normalize_name


def assign(names, categories=None, positions=None, least=2):
    n = len(names)
    categories = categories or [""] * n
    lat = np.arange(n) / 10 if positions is None else np.array(positions, dtype=float)
    array = lambda texts: np.array(texts, dtype=object)  # noqa: E731
    return Brands(least).assign(array(names), array(categories), lat, np.zeros(n)).tolist()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("McDonald's", ("mcdonalds",)),
        ("McDonald\u2019s  ", ("mcdonalds",)),
        ("Café  Zürich!", ("cafe", "zurich")),
        ("H&M", ("h", "and", "m")),
        ("7-Eleven", ("7", "eleven")),
        ("星巴克", ("星巴克",)),
        ("", ()),
    ],
)
def test_normalize_name(text, words):
    assert normalize_name(text) == words


def test_spellings_of_one_name_are_one_brand():
    names = [
        "McDonald's",
        "McDonalds #1234",
        "MCDONALD\u2019S (Main St)",
        "McDonald's - Airport",
        "McDonald's",
        "Joe's",
    ]
    assert assign(names) == ["McDonald's"] * 5 + [""]


def test_words_of_kind_join_the_shorter_name():
    names = ["Starbucks", "Starbucks Coffee", "Starbucks", "Starbucks Coffee Company", "Starbucks Reserve Roastery"]
    assert assign(names) == ["Starbucks"] * 4 + [""]


def test_a_longer_name_alone_keeps_its_words():
    assert assign(["Blue Heron Coffee"] * 2 + ["Blue Heron Books"]) == ["Blue Heron Coffee"] * 2 + [""]


def test_branches_must_lie_apart():
    assert assign(["Kettle"] * 3, positions=[1.0, 1.00001, 1.0002]) == [""] * 3
    assert assign(["Kettle"] * 3, positions=[1.0, 1.00001, 1.01]) == ["Kettle"] * 3
    assert assign(["Kettle"] * 3, positions=[1.0, 2.0, 2.0], least=3) == [""] * 3


def test_names_that_only_say_what_a_place_is():
    assert assign(["Bus Stop", "Bus Stop", "The Gym", "the gym", "Home", "Home", "", ""]) == [""] * 8


def test_own_category_is_no_brand_but_another_is():
    names = ["Subway"] * 4
    assert assign(names, ["Subway", "Subway", "Subway", "Subway"]) == [""] * 4
    assert assign(names, ["Sandwich Place"] * 4) == ["Subway"] * 4


def test_plurals_and_initials_are_one_brand():
    assert assign(["City Sports Club", "City Sports Clubs", "City Sports Club"]) == ["City Sports Club"] * 3
    assert assign(["TGI Friday's", "T.G.I. Fridays", "TGI Friday's"]) == ["TGI Friday's"] * 3


def test_homes_are_no_chain():
    assert assign(["Mi Casa"] * 3, ["Home (private)"] * 3) == [""] * 3
    assert assign(["Mi Casa"] * 3, ["Taco Place"] * 3) == ["Mi Casa"] * 3


def test_order_of_places_does_not_matter():
    names = ["Bell", "Bell Coffee", "bell", "Fen", "Fen Express", "FEN", "Other"]
    lat = np.arange(len(names)) / 10
    order = np.random.default_rng(0).permutation(len(names))
    straight = assign(names, positions=lat)
    mixed = assign([names[i] for i in order], positions=lat[order])
    assert mixed == [straight[i] for i in order]


def test_category_groups(tmp_path):
    (tmp_path / "map.csv").write_text("1,Café,schema:CafeOrCoffeeShop\n2,Ramen / Noodle House,schema:Restaurant\n")
    import pandas as pd

    found = CategoryGroups("map.csv").assign(pd.Series(["cafe", "Ramen /  Noodle House", "Moon Base", None]), tmp_path)
    assert found.tolist() == ["Cafe or coffee shop", "Restaurant", "", ""]
