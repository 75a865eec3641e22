"""A checkpoint of a stranger runs nothing, wherever it is read, and is refused in one line."""

import re
import sys

import pytest

from fuzz.malicious_checkpoints import STRANGER, malicious_checkpoints
from lgsid import checkpoints
from lgsid.checkpoint_file import read_checkpoint_file
from lgsid.cli import main
from lgsid.datamodules import SequenceData
from lgsid.errors import LgsidError
from lgsid.recommenders import Popularity
from lgsid.rewards.reward_head import RewardHead
from lgsid.testing import quiet_trainer, toy_city


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A folder with a dataset, a good checkpoint, and bad ones in `bad`, by kind."""
    root = tmp_path_factory.mktemp("strangers")
    toy_city(folder=root / "data")
    trainer = quiet_trainer(max_epochs=1)
    trainer.fit(Popularity(), datamodule=SequenceData(str(root / "data")))
    trainer.save_checkpoint(root / "good.ckpt")
    return root, malicious_checkpoints(root / "good.ckpt", root / "bad", root / "marker")


READERS = {
    "lgsid.load": checkpoints.load,
    "load_from_checkpoint": Popularity.load_from_checkpoint,
    "reward head": RewardHead.load,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_bad_checkpoint_is_one_line(town, monkeypatch, reader):
    root, bad = town
    monkeypatch.syspath_prepend(str(root / "bad"))
    assert len(bad) >= 40
    for kind, path in bad.items():
        with pytest.raises(LgsidError, match=rf"^{re.escape(str(path))}: .+\Z"):
            READERS[reader](path)
        assert not (root / "marker").exists(), kind
        assert STRANGER not in sys.modules, kind
    assert not list(root.glob("**/escaped"))


COMMANDS = {
    "test": ("test", "--config=recommender/popularity.yaml", "--ckpt_path"),
    "validate": ("validate", "--config=recommender/popularity.yaml", "--ckpt_path"),
    "predict": ("predict", "--config=recommender/popularity.yaml", "--ckpt_path"),
    "fit": ("fit", "--config=recommender/popularity.yaml", "--ckpt_path"),
    "recommend": ("recommend", "--user=0", "--checkpoint"),
    "tokenize": ("tokenize", "--output=sids", "--checkpoint"),
}


@pytest.mark.parametrize("command", [pytest.param("test", marks=pytest.mark.slow), *list(COMMANDS)[1:]])
def test_a_command_refuses_a_bad_checkpoint(town, tmp_path, monkeypatch, capsys, command):
    root, bad = town
    monkeypatch.syspath_prepend(str(root / "bad"))
    monkeypatch.chdir(tmp_path)
    name, *words, flag = COMMANDS[command]
    lightning = flag == "--ckpt_path"
    data = f"--data.dataset={root / 'data'}" if lightning else f"--dataset={root / 'data'}"
    words += ["--run-folder=run", "--trainer.logger=false"] if lightning else []
    kinds = list(bad) if command == "test" else list(bad)[::7]
    for kind in kinds:
        with pytest.raises(SystemExit) as stopped:
            main([name, *words, data, f"{flag}={bad[kind]}"])
        printed = capsys.readouterr().err
        assert stopped.value.code == 2, (kind, printed)
        assert printed.count("\n") == 1, (kind, printed)
        assert str(bad[kind]) in printed, (kind, printed)
        assert not (root / "marker").exists(), kind
        assert STRANGER not in sys.modules, kind
    assert not list(tmp_path.iterdir())


def test_a_good_checkpoint_is_read(town):
    root, _ = town
    assert isinstance(checkpoints.load(root / "good.ckpt"), Popularity)
    assert isinstance(Popularity.load_from_checkpoint(root / "good.ckpt"), Popularity)
    assert read_checkpoint_file(root / "good.ckpt")["construction"]["class_path"] == "lgsid.recommenders.Popularity"
