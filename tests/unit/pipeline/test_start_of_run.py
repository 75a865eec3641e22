"""What is right when a training or a test begins."""

import signal

import pytest
from lightning.pytorch import Callback
from lightning.pytorch.demos.boring_classes import BoringModel

from lgsid.pipeline.start_of_run import StartOfRun
from lgsid.testing import quiet_trainer


class Handlers(Callback):
    """Notes which handler of SIGTERM there is at each batch."""

    def __init__(self):
        self.found = []

    def on_train_batch_end(self, *given):
        self.found.append(signal.getsignal(signal.SIGTERM))

    def on_test_batch_end(self, *given):
        self.found.append(signal.getsignal(signal.SIGTERM))


@pytest.fixture
def own_handler():
    def handler(*given):
        raise AssertionError("not sent here")

    before = signal.signal(signal.SIGTERM, handler)
    yield handler
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("subcommand", ["fit", "test"])
def test_sigterm_stays_with_whoever_had_it(own_handler, subcommand):
    begun = []
    looks = Handlers()
    start = StartOfRun(subcommand, has_checkpoint=True, begin=lambda: begun.append(True))
    trainer = quiet_trainer(max_epochs=2, callbacks=[start, looks], limit_train_batches=1, limit_test_batches=2)
    getattr(trainer, subcommand)(BoringModel())
    assert begun == [True]
    assert looks.found == [own_handler] * 2
    assert signal.getsignal(signal.SIGTERM) is own_handler
