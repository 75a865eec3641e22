"""A stage runs again when code that it uses has changed, and only then."""

import shutil
from pathlib import Path

import pytest

import lgsid
from lgsid.pipeline import code_version as cv

PACKAGE = Path(lgsid.__file__).parent
TRAINER = ("lgsid.pipeline.training_cli:TrainingCLI",)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A copy of lgsid's sources that the hashes are taken from."""
    copy = tmp_path / "lgsid"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cv, "SOURCE", copy)
    forget()
    yield copy
    forget()


def forget():
    cv.imported.cache_clear()
    cv.module_hash.cache_clear()


def version(*texts):
    forget()
    return cv.code_version(TRAINER, texts)


def append(path, text):
    path.write_text(path.read_text() + text)


def test_closure_is_that_of_the_names(source):
    found = cv.closure([("lgsid.tokenizers", "RandomTokenizer")])
    assert {"lgsid.tokenizers.random_tokenizer", "lgsid.tokenizers.tokenizer", "lgsid.artefacts.items"} <= found
    assert "lgsid.tokenizers.hier_tokenizer" not in found
    assert "lgsid.recommenders.generative.tiger" not in found
    assert not any(name.startswith("lgsid.plots") for name in found)


def test_modules_imported_inside_functions_count(source):
    append(source / "tokenizers" / "random_tokenizer.py", "\n\ndef late() -> None:\n    import lgsid.plots.canvas\n")
    forget()
    assert "lgsid.plots.canvas" in cv.closure([("lgsid.tokenizers", "RandomTokenizer")])


def test_a_change_of_the_class_or_below_it_counts(source):
    for part in ("tokenizers/random_tokenizer.py", "artefacts/items.py"):
        before = version("RandomTokenizer")
        append(source / part, "\nEXTRA = 1\n")
        assert version("RandomTokenizer") != before, part


def test_a_change_elsewhere_does_not_count(source):
    before = version("lgsid.tokenizers.RandomTokenizer")
    for part in ("quantizers/rqvae.py", "tokenizers/hier_tokenizer.py", "plots/sid_map.py", "cli.py", "plugins.py"):
        append(source / part, "\nEXTRA = 1\n")
        assert version("lgsid.tokenizers.RandomTokenizer") == before, part


def test_comments_docstrings_and_layout_do_not_count(source):
    path = source / "tokenizers" / "random_tokenizer.py"
    before = version("RandomTokenizer")
    text = path.read_text()
    path.write_text("# a comment\n\n" + text.replace('"""', '"""Reworded. ', 1))
    assert version("RandomTokenizer") == before


def test_short_names_and_full_paths_are_the_same(source):
    assert version("RandomTokenizer") == version("lgsid.tokenizers.RandomTokenizer")
    assert version("lgsid.RandomTokenizer") == version("lgsid.tokenizers.RandomTokenizer")


def test_plugins_count_with_version_and_source():
    text = cv.foreign_version("lgsid_h3")
    assert text.startswith("lgsid-h3==")
    assert len(text.split()[-1]) == 64
    assert set(cv.classes_named(["H3GeoEncoder", "lgsid_h3.H3GeoEncoder", "a text. With a dot"])) == {
        ("lgsid_h3", "H3GeoEncoder")
    }


def test_names_that_lead_nowhere_are_harmless(source):
    assert version("lgsid.nowhere.Thing", "lgsid.Nothing", "torch.optim.AdamW", "a/b.c")
