"""Names of a package that are imported when they are first used."""

import subprocess
import sys

import pytest

import lgsid.metrics


def test_names_are_imported_once_and_listed():
    code = (
        "import sys, lgsid.metrics as m; assert 'lgsid.metrics.card' not in sys.modules;"
        "assert 'quality_card' in dir(m);"
        "from lgsid.metrics import quality_card; assert vars(m)['quality_card'] is quality_card;"
        "assert 'torchmetrics' not in sys.modules; print(m.quality_card.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "lgsid.metrics.card", done.stderr


def test_every_name_that_a_package_offers_is_there():
    for name in lgsid.metrics.__all__:
        assert getattr(lgsid.metrics, name).__name__ == name
    assert set(lgsid.metrics.__all__) <= set(dir(lgsid.metrics))
    with pytest.raises(AttributeError, match=r"module 'lgsid\.metrics' has no attribute 'accuracy'"):
        _ = lgsid.metrics.accuracy
