"""What every module does with the datamodule that it is given."""

import pytest
import torch

from lgsid.datamodules import CTRData, ItemData, SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import DIN, TIGER, NoSids, Popularity
from lgsid.testing import quiet_trainer, toy_city
from lgsid.tokenizers import RandomTokenizer


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
        quiet_trainer(max_epochs=1).fit(module, data(city))


def test_batches_of_a_narrower_kind_are_read(city):
    data = CTRData(city)
    data.setup()
    TIGER().check_batches(data)


class Diverging(DIN):
    """A model whose loss is multiplied at the third step."""

    def __init__(self, factor):
        super().__init__(sid_features=NoSids())
        self.factor = factor

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        return loss * self.factor if self.global_step == 2 else loss


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_not_finite_ends_the_training_before_the_weights_take_it(city, value):
    model = Diverging(value)
    with pytest.raises(LgsidError, match=r"Diverging: the loss is -?(nan|inf) at epoch \d, step 3; lower the learning"):
        quiet_trainer(max_epochs=5).fit(model, CTRData(city, batch_size=64))
    model.check_weights()


def test_weights_that_are_not_finite_are_refused():
    layer = torch.nn.Linear(2, 2)
    model = Popularity()
    model.layer = layer
    model.check_weights()
    layer.weight.data[1, 0] = float("inf")
    with pytest.raises(LgsidError, match=r"Popularity: layer.weight has values that are not finite"):
        model.check_weights()
