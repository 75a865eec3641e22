"""The files of a model without the adapter that lies among them."""

from pathlib import Path

import pytest

from lgsid.text.adapters import without_adapter


@pytest.fixture
def model(tmp_path):
    for name in ("config.json", "model.safetensors", "adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / name).write_text(name)
    (tmp_path / "onnx").mkdir()
    return tmp_path


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("links", [True, False])
def test_files_without_the_adapter(model, links, monkeypatch):
    def refuse(self, target):
        raise OSError("a required privilege is not held by the client")

    if not links:
        monkeypatch.setattr(Path, "symlink_to", refuse)
    before = names(model)
    with without_adapter(str(model)) as folder:
        assert names(folder) == ["config.json", "model.safetensors"]
        assert Path(folder, "model.safetensors").read_text() == "model.safetensors"
        assert Path(folder, "config.json").is_symlink() == links
    assert names(model) == before
    assert not Path(folder).exists()


def test_links_of_a_folder_named_from_here(model, monkeypatch):
    monkeypatch.chdir(model.parent)
    with without_adapter(model.name) as folder:
        assert Path(folder, "config.json").read_text() == "config.json"


def test_nothing_is_copied_without_an_adapter(model):
    (model / "adapter_config.json").unlink()
    for known in (str(model), "organization/model"):
        with without_adapter(known) as folder:
            assert folder == known
