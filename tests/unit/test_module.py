"""What every module does with the datamodule that it is given."""

import lightning as L
import pytest

from lgsid.datamodules import CTRData, ItemData, SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import DIN, TIGER
from lgsid.testing import toy_city
from lgsid.tokenizers import RandomTokenizer

QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


@pytest.fixture(scope="module")
def city():
    return toy_city()


@pytest.mark.parametrize(
    ("module", "data", "words"),
    [
        (TIGER(), ItemData, "ItemData serves ItemBatch, TIGER reads SequenceBatch"),
        (DIN(), ItemData, "ItemData serves ItemBatch, DIN reads SequenceBatch"),
        (RandomTokenizer([4, 4]), SequenceData, "SequenceData serves SequenceBatch, RandomTokenizer reads ItemBatch"),
    ],
)
def test_other_batches_are_refused_before_the_first_step(city, module, data, words):
    with pytest.raises(LgsidError, match=words):
        L.Trainer(max_epochs=1, **QUIET).fit(module, data(city))


def test_batches_of_a_narrower_kind_are_read(city):
    data = CTRData(city, near_km=1.0)
    data.setup()
    TIGER().check_batches(data)
