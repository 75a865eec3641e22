"""A model folder that lacks something is refused in one line, not used with random or unknown parts."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from lgsid.errors import LgsidError
from lgsid.text import TextEncoder

WEIGHTS = "model.safetensors"


@pytest.fixture
def model(tiny_bert, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_bert, folder)
    return folder


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def refused(folder):
    with pytest.raises(LgsidError) as error:
        TextEncoder(str(folder))
    message = str(error.value)
    assert str(folder) in message
    assert "\n" not in message
    return message


def change_weights(folder, edit):
    weights = load_file(folder / WEIGHTS)
    save_file(edit(weights), folder / WEIGHTS, metadata={"format": "pt"})


def test_without_tokenizer_files(model):
    (model / "tokenizer.json").unlink()
    (model / "tokenizer_config.json").unlink()
    assert "knows no words" in refused(model)


def test_with_the_settings_of_a_tokenizer_only(model):
    (model / "tokenizer.json").unlink()
    refused(model)


@pytest.mark.parametrize("content", [b"{}", b"", b"\xff\xfe", b'{"version": "1.0"}'])
def test_a_damaged_tokenizer(model, content):
    (model / "tokenizer.json").write_bytes(content)
    refused(model)


def test_a_tokenizer_of_a_larger_model(model):
    rows = 10
    change(model, vocab_size=rows)
    key = "embeddings.word_embeddings.weight"
    change_weights(model, lambda weights: {**weights, key: weights[key][:rows].clone()})
    message = refused(model)
    assert "vectors of 10" in message
    assert "411 tokens" in message


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"model_type": "no_such_type"}', '"x"'])
def test_a_damaged_config(model, content):
    (model / "config.json").write_text(content)
    refused(model)


def test_without_config_or_weights(model):
    (model / WEIGHTS).unlink()
    refused(model)
    (model / "config.json").unlink()
    assert "config.json" in refused(model)


@pytest.mark.parametrize("size", [0, 7, 2000])
def test_cut_weights(model, size):
    (model / WEIGHTS).write_bytes((model / WEIGHTS).read_bytes()[:size])
    refused(model)


def test_weights_that_the_files_lack_are_not_drawn_at_random(model, capfd):
    change(model, num_hidden_layers=4)
    assert "lack the weights encoder.layer.2" in refused(model)
    assert capfd.readouterr().err == ""


def test_weights_of_another_shape(model):
    change(model, intermediate_size=48)
    refused(model)


def test_a_head_that_is_not_used_may_be_missing(model, tiny_bert):
    change_weights(model, lambda weights: {k: v for k, v in weights.items() if not k.startswith("pooler.")})
    texts = ["a bar", "a gym in town"]
    assert torch.equal(
        TextEncoder(str(model)).encode(texts, use_cache=False), TextEncoder(tiny_bert).encode(texts, use_cache=False)
    )


def test_weights_that_are_not_finite(model):
    def spoil(weights):
        weights["encoder.layer.0.output.dense.bias"][3] = float("nan")
        return weights

    change_weights(model, spoil)
    assert "encoder.layer.0.output.dense.bias are not finite" in refused(model)


def test_code_in_the_folder_is_not_run_and_nobody_is_asked(model, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asks"))
    change(model, model_type="odd", auto_map={"AutoModel": "x.X", "AutoConfig": "x.C"})
    (model / "x.py").write_text("raise SystemExit('ran')")
    refused(model)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_damaged_adapter(tiny_bert, tmp_path, content):
    (tmp_path / "adapter_config.json").write_text(content)
    with pytest.raises(LgsidError, match="adapter"):
        TextEncoder(tiny_bert, adapter=str(tmp_path))
