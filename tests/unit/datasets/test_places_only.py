import io

import pandas as pd
import pytest
from rich.console import Console

from lgsid.artefacts import Dataset
from lgsid.commands.prepare_data import builder_of
from lgsid.datasets import DatasetBuilder, PlacesOnly, TableSource, TemporalSplit, describe_dataset
from lgsid.errors import LgsidError
from lgsid.testing import toy_source, toy_tables

COLUMNS = {"item_id": "poi", "lat": "latitude", "lon": "longitude", "category": "kind"}


def test_places_alone_become_a_dataset_that_can_be_read_again(tmp_path):
    folder = toy_tables(tmp_path)
    source = TableSource("places.csv", item_columns=COLUMNS, root=str(folder))
    assert source.files() == [folder / "places.csv"]
    DatasetBuilder("alone", source, PlacesOnly()).build().write(tmp_path / "data")
    dataset = Dataset.read(tmp_path / "data")
    places = pd.read_csv(folder / "places.csv")
    assert list(dataset.items.ids) == list(places["poi"].astype(str))
    assert len(dataset.interactions) == len(dataset.user_ids) == len(dataset.item_rows) == 0
    assert dataset.report["notes"] == [
        {"action": "read", "what": "places", "count": len(places), "why": "places.csv"},
    ]
    console = Console(width=80, file=io.StringIO())
    console.print(describe_dataset(dataset))
    assert "60 places, 0 check-ins, 0 users" in console.file.getvalue()


def test_check_ins_that_are_there_are_left_out():
    dataset = DatasetBuilder("without", toy_source(), PlacesOnly()).build()
    whole = DatasetBuilder("with", toy_source(), TemporalSplit()).build()
    assert len(dataset.interactions) == 0
    assert list(dataset.items.ids) == list(whole.items.ids)
    (note,) = [note for note in dataset.report["notes"] if "PlacesOnly" in note["why"]]
    assert note["count"] == len(whole.interactions)


def test_other_splits_need_check_ins(tmp_path):
    source = TableSource("places.csv", item_columns=COLUMNS, root=str(toy_tables(tmp_path)))
    with pytest.raises(LgsidError, match=r"60 places and 0 check-ins; the split PlacesOnly"):
        DatasetBuilder("alone", source, TemporalSplit()).build()


def test_a_config_may_leave_the_check_ins_out(tmp_path):
    toy_tables(tmp_path)
    config = tmp_path / "alone.yaml"
    config.write_text(
        "name: alone\nsource:\n  class_path: TableSource\n  init_args:\n    items: places.csv\n    interactions: null\n"
        "    item_columns: {item_id: poi, lat: latitude, lon: longitude, category: kind}\n"
        "split: {class_path: PlacesOnly}\n"
    )
    assert len(builder_of(config).build().items) == 60
