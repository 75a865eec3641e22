"""A config of a stranger names only parts of lgsid, of plugins, and of torch and Lightning, unless it is trusted."""

import sys
from pathlib import Path

import pytest
import yaml

from lgsid.cli import main
from lgsid.config.config_files import config_root
from lgsid.errors import LgsidError
from lgsid.pipeline.parse_only import parse_training
from lgsid.trust import lies_in

STRANGER = "lgsid_config_stranger"
SOURCE = """import pathlib
pathlib.Path({marker!r}).touch()
from lgsid.tokenizers import RandomTokenizer
from lgsid.datasets import SyntheticCity
class Mine(RandomTokenizer): pass
class City(SyntheticCity): pass
def optimizer(parameters): ...
"""
NAMES = (
    f"{STRANGER}.Mine",
    f"{STRANGER}.optimizer",
    "os.system",
    "subprocess.Popen",
    "builtins.exec",
    "lgsid.cli.os.system",
    "lgsid.plugins.importlib.import_module",
    "torch.hub.load",
    "torch.os.system",
    "torch.utils.cpp_extension.load",
    "torch.nn.modules.module.functools.partial",
    "lightning.pytorch.cli.LightningCLI",
    "lightning.pytorch.callbacks.lambda_function.Callable",
    "jsonargparse.set_parsing_settings",
)
PLACES = (
    "model",
    "model.init_args.optimizer",
    "model.init_args.collisions",
    "data",
    "trainer.callbacks",
    "trainer.logger",
)


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """The file that importing the stranger's module writes."""
    found = tmp_path / "marker"
    (tmp_path / f"{STRANGER}.py").write_text(SOURCE.format(marker=str(found)), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield found
    sys.modules.pop(STRANGER, None)


def refused(capsys, words):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    line = capsys.readouterr().err
    assert stopped.value.code == 2, line
    assert line.count("\n") == 1, line
    return line


def refused_in_parsing(*words):
    with pytest.raises(LgsidError, match=r"model|data|trainer"):
        parse_training(["fit", *words])


def config(place, value):
    content = {"model": {"class_path": "RandomTokenizer"}, "data": {"class_path": "ItemData"}}
    content["data"]["init_args"] = {"dataset": "nowhere"}
    at = content
    *above, last = place.split(".")
    for key in above:
        at = at.setdefault(key, {})
    at[last] = value
    return content


def test_a_stranger_is_named_nowhere_in_a_config(marker):
    tried = [(place, name) for place in PLACES for name in NAMES[:1]] + [(PLACES[1], name) for name in NAMES[1:]]
    for place, name in tried:
        for value in (name, {"class_path": name, "init_args": {"a": 1}}, [{"class_path": name}]):
            Path("fit.yaml").write_text(yaml.safe_dump(config(place, value)), encoding="utf-8")
            refused_in_parsing("--config=fit.yaml")
        refused_in_parsing("--config=tokenizer/random.yaml", f"--{place.replace('init_args.', '')}={name}")
        assert not marker.exists(), (place, name)
        assert STRANGER not in sys.modules


def test_a_callable_deep_inside_is_asked_for_too(marker):
    inner = {"class_path": "lightning.pytorch.callbacks.LambdaCallback", "init_args": {"on_fit_start": "os.system"}}
    Path("fit.yaml").write_text(yaml.safe_dump(config("trainer.callbacks", [inner])), encoding="utf-8")
    with pytest.raises(LgsidError, match=r"os\.system may not be named"):
        parse_training(["fit", "--config=fit.yaml"])


def write_pipeline(**stages):
    Path("mine.yaml").write_text(yaml.safe_dump({"name": "mine", "stages": stages}), encoding="utf-8")


def test_every_command_that_reads_configs_refuses_strangers(marker, capsys):
    city = yaml.safe_load((config_root() / "data" / "synthetic_city.yaml").read_text(encoding="utf-8"))
    city["source"] = {"class_path": f"{STRANGER}.City"}
    Path("city.yaml").write_text(yaml.safe_dump(city), encoding="utf-8")
    fit = {"command": "fit", "config": "tokenizer/random.yaml", "set": {"data.init_args.dataset": "$data"}}
    write_pipeline(
        data={"command": "data prepare", "config": "data/synthetic_city.yaml"},
        tokens={**fit, "set": {**fit["set"], "model": f"{STRANGER}.Mine"}},
    )
    for words in (
        ["fit", "--config=tokenizer/random.yaml", "--data.dataset=nowhere", f"--model={STRANGER}.Mine"],
        ["data", "prepare", "city.yaml", "--output=data"],
        ["data", "describe", "city.yaml"],
        ["data", "describe", "data/synthetic_city.yaml", f"--source={STRANGER}.City"],
        ["run", "mine.yaml"],
        ["run", "mine.yaml", "--dry-run"],
    ):
        line = refused(capsys, words)
        assert STRANGER in line
        assert "--trust-config" in line
        assert not marker.exists()
    write_pipeline(data={"command": "data prepare", "config": "city.yaml", "set": {"trust_config": True}})
    assert "trust_config" in refused(capsys, ["run", "mine.yaml"])
    assert not marker.exists()


def test_a_trusted_config_may_name_anything_and_trust_ends_with_the_command(marker, capsys):
    words = ["fit", "--config=tokenizer/random.yaml", "--data.dataset=nowhere", f"--model={STRANGER}.Mine"]
    assert "nowhere: no such dataset folder" in refused(capsys, [*words, "--trust-config"])
    assert marker.exists()
    assert "may not be named" in refused(capsys, words)
    assert "tokenize" in refused(capsys, ["tokenize", "--trust-config", "--checkpoint=a", "--dataset=b", "--output=c"])


def test_no_config_can_trust_itself(marker, capsys):
    for key in ("trust_config", "trust-config"):
        content = {**config("model", f"{STRANGER}.Mine"), key: True}
        Path("fit.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        refused(capsys, ["fit", "--config=fit.yaml"])
        refused(capsys, ["fit", "--config=fit.yaml", "--trust-config=true"])
        assert not marker.exists()


def test_packages_are_compared_by_whole_names():
    assert lies_in("torch.optim", ["torch.optim"])
    assert lies_in("torch.optim.SGD", ["torch.optim"])
    assert not lies_in("torch.optimizers.SGD", ["torch.optim"])
    assert not lies_in("torch", ["torch.optim"])
