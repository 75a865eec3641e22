"""Definitions stay the same where files move, change where a setting does, and old ones are listed as equal."""

import json
from pathlib import Path

import pytest

from lgsid.benchmark.board import check_cell
from lgsid.benchmark.cell import cells_of
from lgsid.benchmark.definition import definition, equal_definitions
from lgsid.benchmark.entry_check import Folders, checked_results
from lgsid.benchmark.suite import Suite
from lgsid.errors import LgsidError

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
MODEL = {"class_path": "lgsid.recommenders.TIGER", "init_args": {"beam_width": 32, "t5": {"d_model": 64}}}


def of(configs=({"model": MODEL},), options=None, seed=1, needed=None, commands=("fit",)):
    return definition(commands, configs, options or {}, seed, needed or {"data": "d"})


def test_the_layout_does_not_count():
    moved = {"model": {**MODEL, "class_path": "lgsid.elsewhere.TIGER"}}
    split = (
        {"model": {"class_path": "TIGER", "init_args": {"beam_width": 32}}},
        {"model": {"init_args": {"t5": {"d_model": 64}}}},
    )
    options = {"model.init_args.beam_width": 32}
    assert of() == of([moved]) == of(split) == of(options=options)


@pytest.mark.parametrize(
    "changes",
    [
        {"configs": [{"model": {**MODEL, "class_path": "lgsid.recommenders.TIGER2"}}]},
        {"options": {"model.init_args.beam_width": 31}},
        {"options": {"model.init_args.copy": None}},
        {"seed": 2},
        {"seed": None},
        {"commands": ("fit", "test")},
    ],
)
def test_a_setting_counts(changes):
    assert of(**changes) != of()


def test_what_a_stage_reads_counts_and_its_name_does_not():
    one = of(options={"data.dataset": "$data"}, needed={"data": "d"})
    assert one == of(options={"data.dataset": "$city"}, needed={"city": "d"})
    assert one != of(options={"data.dataset": "$data"}, needed={"data": "e"})
    assert one != of(options={"data.dataset": "$data/x"}, needed={"data": "d"})


def test_a_result_of_an_older_version_is_accepted_where_it_is_listed():
    cell = next(iter(cells_of(Suite.read("tokenizers"), Path("runs"))))
    path = cell.result_path(RESULTS)
    result = json.loads(path.read_text())
    check_cell(cell, result, path, equal_definitions(RESULTS))
    with pytest.raises(LgsidError, match="other settings"):
        check_cell(cell, result, path, {})
    with pytest.raises(LgsidError, match="other settings"):
        check_cell(cell, {**result, "definition": "0" * 64}, path, equal_definitions(RESULTS))


@pytest.mark.slow
def test_all_committed_results_may_enter():
    files = sorted(RESULTS.glob("*/*/*.*.json"))
    assert len(files) > 100
    reasons = dict(checked_results(files, [], Folders(Path("runs"), RESULTS)))
    assert not {path.name: reason for path, reason in reasons.items() if reason}


def test_a_broken_list_is_one_line(tmp_path):
    (tmp_path / "definitions.json").write_text("[]")
    with pytest.raises(LgsidError, match="not a list of equal definitions"):
        equal_definitions(tmp_path)
    assert equal_definitions(tmp_path / "none") == {}
