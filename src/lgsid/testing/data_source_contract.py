"""Contract tests of data sources, to inherit in the tests of other packages."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import pandas as pd

from lgsid.datasets.checks import check_raw
from lgsid.datasets.data_source import DataSource
from lgsid.datasets.dataset_builder import DatasetBuilder
from lgsid.datasets.splits import TemporalSplit
from lgsid.testing.part_contract import PartContract


class DataSourceContract(PartContract):
    """Inherit in a test class and return a source from `make`; pytest runs the rest.

    The source should have at least ten check-ins, so that all three splits get some.
    """

    base = DataSource

    @abstractmethod
    def make(self) -> DataSource:
        """Return the source to test, over data that need not be downloaded."""

    def test_items_have_the_columns_and_types(self) -> None:
        """Ids are texts; coordinates are float64 degrees."""
        items = self.make().read().items
        assert {"item_id", "lat", "lon"} <= set(items.columns)
        assert all(isinstance(value, str) for value in items["item_id"])
        assert items["lat"].dtype == items["lon"].dtype == np.float64

    def test_interactions_have_the_columns_and_types(self) -> None:
        """Ids are texts, times are in UTC, hours and weekdays are local numbers."""
        log = self.make().read().interactions
        assert {"user_id", "item_id", "time", "hour", "weekday"} <= set(log.columns)
        assert all(isinstance(value, str) for column in ("user_id", "item_id") for value in log[column])
        assert isinstance(log["time"].dtype, pd.DatetimeTZDtype)
        assert str(log["time"].dt.tz) == "UTC"
        assert log["hour"].between(0, 23).all()
        assert log["weekday"].between(0, 6).all()

    def test_reading_twice_gives_the_same(self) -> None:
        """Reading is deterministic and leaves no state behind."""
        source, again = self.make(), self.make()
        first = source.read()
        for other in (source.read(), again.read()):
            pd.testing.assert_frame_equal(first.items, other.items)
            pd.testing.assert_frame_equal(first.interactions, other.interactions)

    def test_files_exist(self) -> None:
        """All files that the source reports exist, so that a pipeline can hash them."""
        assert all(path.is_file() for path in self.make().files())

    def test_rows_are_logged(self) -> None:
        """The preparation log states how many rows were read."""
        raw = self.make().read()
        assert any(entry.count > 0 and entry.why for entry in raw.preparation_log)
        assert raw.item_rows is None or len(raw.item_rows) == len(raw.items)

    def test_a_dataset_can_be_built(self) -> None:
        """The tables pass the checks that every source goes through."""
        source = self.make()
        check_raw(source.read(), "drop", "drop")
        builder = DatasetBuilder("contract", source, TemporalSplit(), missing_coordinates="drop", unknown_items="drop")
        dataset = builder.build()
        assert len(dataset.interactions) <= len(source.read().interactions)
        assert (dataset.item_rows >= 0).all()
