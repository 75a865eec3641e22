"""What is public is written down, and changes with a line in the changelog only."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = ["lgsid | TIGER | (a)", "file | sids.parquet | item_id"]


@pytest.fixture(scope="module")
def api():
    spec = importlib.util.spec_from_file_location("public_api", ROOT / "docs" / "public_api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def kept(api):
    """The file after LINES were written with the changelog of `log("nothing")`."""
    head = api.HEAD.format(digest=api.text_hash([api.unreleased(log("nothing"))]))
    return head + "".join(f"{line}\n" for line in LINES)


def log(news):
    return f"# Changelog\n\n## 0.2.0 (unreleased)\n\n- {news}\n\n## 0.1.0\n\n- `TIGER` and `sids.parquet`.\n"


def test_what_is_public_is_as_it_is_written_down(api):
    lines, kept = api.public_lines(), api.FILE.read_text(encoding="utf-8")
    changelog = api.CHANGELOG.read_text(encoding="utf-8")
    assert not api.problem(kept, lines, changelog), api.problem(kept, lines, changelog)
    assert lines == kept.splitlines()[api.HEAD_LINES :], "run python docs/public_api.py"


def test_it_holds_one_of_each_sort(api):
    lines = api.FILE.read_text(encoding="utf-8").splitlines()
    for start in (
        "lgsid | TIGER | (",
        "lgsid.quantizers | Quantizer | fit(",
        "config class of splits | TemporalSplit | (",
        "batch | SequenceBatch | ",
        "lgsid.testing | QuantizerContract | ",
        "file | interactions.parquet | user_id: ",
        "file | result.schema.json | metrics (required): ",
        "command | lgsid run | pipeline ",
        "config | recommender/tiger.yaml | ",
    ):
        assert any(line.startswith(start) for line in lines), start


@pytest.mark.parametrize("change", [["lgsid | TIGER | (a, b)", LINES[1]], LINES[1:], [*LINES, "lgsid | TIGER | again"]])
def test_a_change_without_a_line_in_the_changelog_is_told(api, kept, change):
    assert "not in the unreleased part of CHANGELOG.md: TIGER" in api.problem(kept, change, log("something else"))
    assert "not in the unreleased part" in api.problem(kept, change, log("a TIGERs and lgsid.TIGER"))
    assert not api.problem(kept, change, log("`TIGER` takes b."))


def test_a_name_that_the_changelog_had_before_is_not_news(api, kept):
    known = kept.replace(api.text_hash([api.unreleased(log("nothing"))]), api.text_hash([api.unreleased(log("TIGER"))]))
    assert "says nothing new of it: TIGER" in api.problem(known, LINES[1:], log("TIGER"))
    assert not api.problem(known, LINES[1:], log("TIGER, and it is gone"))


def test_no_change_needs_no_line(api, kept):
    assert not api.problem(kept, LINES, log("anything"))
