"""A dataset of some of its places, and what it finds by an id."""

import numpy as np
import pandas as pd
import pytest

from lgsid.artefacts import Items
from lgsid.testing import toy_city


def test_of_some_places_a_dataset_keeps_them_in_that_order_and_their_check_ins() -> None:
    dataset = toy_city()
    rows = np.array([40, 3, 17, 5, 22, 8])
    some = dataset.take(rows)
    ids = dataset.items.ids[rows].tolist()
    assert some.items.ids.tolist() == ids
    log = dataset.interactions.frame
    expected = log[[item in ids for item in log["item_id"]]]
    assert 0 < len(expected) < len(log)
    columns = ["user_id", "item_id", "time", "split"]
    assert some.interactions.frame[columns].to_numpy().tolist() == expected[columns].to_numpy().tolist()
    assert (some.item_rows >= 0).all()
    assert some.name == dataset.name
    assert some.data_hash != dataset.data_hash
    everything = dataset.take(np.ones(len(dataset.items), dtype=bool))
    assert everything.data_hash == dataset.data_hash


def test_ids_are_looked_up_by_their_number() -> None:
    city = toy_city()
    assert city.items.rows(city.items.ids[[3, 0, 3]]).tolist() == [3, 0, 3]
    assert city.items.rows(["nobody", city.items.ids[1]]).tolist() == [-1, 1]
    assert city.items.rows([]).tolist() == []
    assert city.user_numbers(city.user_ids[::-1]).tolist() == list(range(len(city.user_ids)))[::-1]
    assert city.user_numbers(["nobody"]).tolist() == [-1]
    assert city.user_ids[city.user_rows].tolist() == city.interactions.frame["user_id"].tolist()


def test_values_of_a_column_are_numbered_in_their_order_after_the_unknown() -> None:
    items = Items.from_frame(
        pd.DataFrame({"item_id": list("abcd"), "lat": 0.0, "lon": 0.0, "category": ["Zoo", "", "Bar", "Zoo"]})
    )
    codes, names = items.codes("category")
    assert (codes.tolist(), names) == ([2, 0, 1, 2], ["", "Bar", "Zoo"])
    codes[:] = 7  # nobody else sees it
    assert items.codes("category")[0].tolist() == [2, 0, 1, 2]
    assert [array.tolist() for array in items.take(np.array([0])).codes("category")[:1]] == [[1]]
    assert items.codes("brand")[1] == [""]
    with pytest.raises(ValueError, match="read-only"):
        items.texts("category")[0] = "Bar"
