"""Flags, help and stage keys that follow from the signature and docstring of one function."""

import contextlib
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from lgsid.cli import main, overview
from lgsid.errors import LgsidError
from lgsid.pipeline import command as command_module
from lgsid.pipeline.command import AsStage, command, commands, stage_kinds
from lgsid.pipeline.command_parser import parse_stage, parse_words, words_parser


@command(stage=AsStage(seeded=True))
def bake(
    cake: str,
    *,
    output: str,
    oven_c: float | None = None,
    layers: int = 3,
    topping: Literal["nuts", "none"] = "none",
    only: Sequence[str] = (),
    dry_run: bool = False,
    k: int = 1,
    set_: str = "",
    seed: int = 7,
):
    """Bake a cake.

    Args:
        cake: Name of the cake, which may
            be long.
        output: Folder for the cake.
        oven_c: Temperature in degrees Celsius.
        layers: Number of layers.
        topping: What lies on top.
        only: Only these (repeatable).
        dry_run: Bake nothing.
        k: How many.
        set_: Something.
        seed: Random seed for the crumbs.

    Raises:
        LgsidError: never.
    """


@command()
def sift(config: str, **options: object):
    """Sift flour."""


def test_words_are_arguments():
    given = parse_words(bake, "bake", ["torte", "--output", "o", "--only", "a", "--only=b", "-k", "4", "--dry-run"])
    assert given == {
        "cake": "torte",
        "output": "o",
        "oven_c": None,
        "layers": 3,
        "topping": "none",
        "only": ["a", "b"],
        "dry_run": True,
        "k": 4,
        "set_": "",
        "seed": 7,
    }
    assert parse_words(bake, "bake", ["t", "--output", "o", "--set", "x", "--oven-c=180"])["oven_c"] == 180.0


def test_help_is_the_docstring():
    with contextlib.redirect_stdout(io.StringIO()) as text:
        words_parser(bake, "bake").print_help()
    shown = " ".join(text.getvalue().split())
    assert "Bake a cake." in shown
    assert "Name of the cake, which may be long." in shown
    assert "--oven-c" in shown
    assert "Temperature in degrees Celsius." in shown
    assert "Raises" not in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["t"], "missing: --output; see `lgsid bake --help`"),
        (["--output", "o"], "missing: cake"),
        (["t", "--outptu", "o"], "unknown argument '--outptu'; did you mean --output?"),
        (["t", "--output", "o", "--dry_run"], "unknown argument '--dry_run'; did you mean --dry-run?"),
        (["t", "--output", "o", "-k", "x"], "-k: expected a whole number, found 'x'"),
        (["t", "--output", "o", "--oven-c", "hot"], "--oven-c: expected a number, found 'hot'"),
        (["t", "--output", "o", "--topping", "nut"], "--topping: expected one of nuts, none, found 'nut'"),
    ],
)
def test_wrong_words_are_one_line(words, message):
    with pytest.raises(LgsidError) as error:
        parse_words(bake, "bake", words)
    assert message in str(error.value)


def test_an_open_ended_command_takes_dotted_keys():
    words = ["c.yaml", "--source.root=x", "--k_core", "5"]
    assert parse_words(sift, "sift", words) == {"config": "c.yaml", "source.root": "x", "k_core": "5"}
    with pytest.raises(LgsidError, match="--k_core: expected a value"):
        parse_words(sift, "sift", ["c.yaml", "--k_core"])


SUPPLIED = {"output": "folder", "seed": 11, "config": None, "logger": None, "stages": []}


def test_a_stage_gives_the_same_arguments():
    given = parse_stage(bake, {"cake": "t", "layers": 5, "only": ["a"], "set": "y"}, SUPPLIED)
    assert (given["cake"], given["layers"], given["only"], given["set_"]) == ("t", 5, ["a"], "y")
    assert (given["output"], given["seed"]) == ("folder", 11)
    assert parse_stage(bake, {"cake": "t", "seed": 3}, SUPPLIED)["seed"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "set lacks 'cake'"),
        ({"cake": "t", "layer": 3}, "unknown key 'layer' in set; did you mean layers?"),
        ({"cake": "t", "layers": "many"}, "layers: expected a whole number, found 'many'"),
        ({"cake": "t", "only": 3}, "only: expected a list of values, each a text, found '3'"),
        ({"cake": "t", "output": "elsewhere"}, "unknown key 'output'"),
    ],
)
def test_wrong_stages_are_one_line(options, message):
    with pytest.raises(LgsidError) as error:
        parse_stage(bake, options, SUPPLIED)
    assert message in str(error.value)


def test_a_command_of_another_package_is_a_word_and_a_stage(monkeypatch, capsys):
    kinds = {**command_module.load_kind("commands"), "cake.bake": bake}
    monkeypatch.setattr(command_module, "load_kind", lambda kind: kinds)
    assert stage_kinds()["cake bake"] is bake
    main(["cake", "bake", "torte", "--output", "here"])
    assert capsys.readouterr().out == "here: written\n"
    assert "cake bake" in overview("", commands())


def test_modules_of_commands_are_light():
    code = (
        "import sys\nfrom lgsid.pipeline.command import commands\nassert len(commands()) > 15\n"
        "heavy = {'torch', 'pandas', 'numpy', 'lightning', 'jsonargparse', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_describing_a_dataset_does_not_import_torch():
    city = ["--source.init_args.n_checkins=3000", "--source.init_args.n_places=100"]
    code = (
        "import sys\nfrom lgsid.cli import main\n"
        f"main(['data', 'describe', 'data/synthetic_city.yaml', *{city!r}])\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("found", commands().values(), ids=commands())
def test_every_option_is_described(found):
    assert found.summary
    assert found.function.__name__.isidentifier()
    for option in found.options:
        assert option.help, option.name
        assert option.help[0].isupper() or option.help.startswith("model.ckpt") or option.help.startswith("sids."), (
            option.help
        )
    assert Path(sys.modules[found.function.__module__].__file__).is_file()
