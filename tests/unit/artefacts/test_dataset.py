"""A dataset of some of its places."""

import numpy as np

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
