import pytest

from lgsid.datasets import DatasetBuilder, JoinedSource, SyntheticCity, TableSource, TemporalSplit
from lgsid.testing import DataSourceContract, toy_source, toy_tables


class TestSyntheticCity(DataSourceContract):
    def make(self) -> SyntheticCity:
        return toy_source()


class TestTableSource(DataSourceContract):
    @pytest.fixture(autouse=True)
    def _write_tables(self, tmp_path):
        self.folder = toy_tables(tmp_path)

    def make(self) -> TableSource:
        return TableSource(
            "places.csv",
            "checkins.csv",
            item_columns={"item_id": "poi", "lat": "latitude", "lon": "longitude"},
            interaction_columns={"user_id": "user", "item_id": "poi", "time": "visited_at"},
            root=str(self.folder),
        )


class TestJoinedSource(DataSourceContract):
    @pytest.fixture(autouse=True)
    def _write_tables(self, tmp_path):
        self.folder = toy_tables(tmp_path)

    def make(self) -> JoinedSource:
        config = {
            "name": "table",
            "source": {
                "class_path": "TableSource",
                "init_args": {
                    "items": "places.csv",
                    "interactions": "checkins.csv",
                    "item_columns": {"item_id": "poi", "lat": "latitude", "lon": "longitude"},
                    "interaction_columns": {"user_id": "user", "item_id": "poi", "time": "visited_at"},
                },
            },
            "split": {"class_path": "TemporalSplit"},
        }
        synthetic = DatasetBuilder("synthetic", toy_source(seed=1), TemporalSplit())
        return JoinedSource({"table": config, "synthetic": synthetic}, root=str(self.folder))
