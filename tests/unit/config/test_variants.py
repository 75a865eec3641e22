"""Variants over a base: what merges, what replaces, and what is refused."""

from pathlib import Path

import pytest
import yaml

from lgsid.config.config_files import config_argument, read_config
from lgsid.config.merging import merged, nested
from lgsid.errors import LgsidError

BASE = """
trainer: {max_epochs: 3, callbacks: [a, b]}
model:
  class_path: lgsid.recommenders.TIGER
  init_args: {beam_width: 32, t5: {d_model: 64, num_heads: 4}, loss: {class_path: A, init_args: {x: 1}}}
"""


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    write("base.yaml", BASE)
    return write


def test_mappings_merge_and_lists_replace(write):
    path = write("v.yaml", "extends: base.yaml\ntrainer: {callbacks: [c]}\nmodel: {init_args: {t5: {d_model: 8}}}\n")
    content = read_config(path)
    assert "extends" not in content
    assert content["trainer"] == {"max_epochs": 3, "callbacks": ["c"]}
    assert content["model"]["init_args"]["t5"] == {"d_model": 8, "num_heads": 4}
    assert content["model"]["init_args"]["beam_width"] == 32


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("{class_path: B}", {"class_path": "B"}),
        ("{class_path: B, init_args: {y: 2}}", {"class_path": "B", "init_args": {"y": 2}}),
        (
            "{class_path: some.where.A, init_args: {y: 2}}",
            {"class_path": "some.where.A", "init_args": {"x": 1, "y": 2}},
        ),
        ("B", "B"),
        ("null", None),
    ],
)
def test_another_class_does_not_keep_the_arguments(write, loss, expected):
    path = write("v.yaml", f"extends: base.yaml\nmodel: {{init_args: {{loss: {loss}}}}}\n")
    assert read_config(path)["model"]["init_args"]["loss"] == expected


def test_a_base_can_have_a_base_and_lies_beside_the_file_that_names_it(write):
    write("sub/middle.yaml", "extends: ../base.yaml\ntrainer: {max_epochs: 4}\n")
    path = write("v.yaml", "extends: sub/middle.yaml\nseed_everything: 1\n")
    assert read_config(path)["trainer"] == {"max_epochs": 4, "callbacks": ["a", "b"]}


def test_files_that_a_config_names_may_be_variants(write):
    write("q.yaml", "extends: p.yaml\ninit_args: {k: 2}\n")
    write("p.yaml", "class_path: Q\ninit_args: {k: 1, l: 1}\n")
    path = write("v.yaml", "quantizer: q.yaml\n")
    assert read_config(path) == {"quantizer": {"class_path": "Q", "init_args": {"k": 2, "l": 1}}}
    assert "extends" not in config_argument(path)
    assert yaml.safe_load(config_argument(Path(path.parent, "p.yaml"))) == read_config(Path(path.parent, "p.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: v.yaml\n", "v.yaml: configs extend each other: v.yaml -> v.yaml"),
        ("extends: w.yaml\n", "configs extend each other: v.yaml -> w.yaml -> v.yaml"),
        ("extends: gone.yaml\n", "v.yaml: extends: "),
        ("extends: [base.yaml]\n", "v.yaml: extends: expected the name of one YAML file"),
        ("data: lgsid.data.CTRData\n", "v.yaml: lgsid.data.CTRData has moved; write lgsid.datamodules.CTRData"),
        (
            "model: {class_path: lgsid.recommenders.discriminative.din.DIN}\n",
            "lgsid.recommenders.discriminative.din.DIN has moved; write lgsid.recommenders.DIN",
        ),
    ],
)
def test_what_is_wrong_is_one_line(write, text, message):
    write("w.yaml", "extends: v.yaml\n")
    with pytest.raises(LgsidError) as error:
        read_config(write("v.yaml", text))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_merging_is_not_in_place():
    base = {"a": {"b": 1}}
    assert merged(base, {"a": {"c": 2}}) == {"a": {"b": 1, "c": 2}}
    assert base == {"a": {"b": 1}}


def test_dotted_keys_written_out():
    assert nested({"a.b": 1, "a.c.d": 2, "a.b.x": 3, "e": None}) == {"a": {"b": {"x": 3}, "c": {"d": 2}}, "e": None}
