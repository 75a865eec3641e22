"""PartName keeps the contract of a data source, and does what it says."""

import pytest
from part_package import PartName

from lgsid.errors import LgsidError
from lgsid.testing import DataSourceContract


class TestPartName(DataSourceContract):
    def make(self):
        return PartName()


def test_hours_are_local_and_times_are_utc():
    log = PartName().read().interactions
    assert (log["hour"].iloc[0], log["time"].dt.hour.iloc[0]) == (9, 13)


@pytest.mark.parametrize(("text", "message"), [(None, "cannot be read"), ("{", "cannot be read"), ("{}", "item_id")])
def test_a_bad_file_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "places.jsonl").write_text(text)
    with pytest.raises(LgsidError, match=message):
        PartName(str(tmp_path)).read()
