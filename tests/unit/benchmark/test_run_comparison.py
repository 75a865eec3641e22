"""Two runs side by side: what they were run with, and what the difference for each user is worth."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lgsid.artefacts.files import write_json
from lgsid.benchmark.run_comparison import RunComparison
from lgsid.cli import main
from lgsid.errors import LgsidError

USERS = np.repeat(np.arange(12), 5)
HASH = "7" * 64


def config(skill, folder):
    model = {"class_path": "lgsid.TIGER", "init_args": {"quantizer": {"class_path": "a.RQVAE"}, "skill": skill}}
    return {
        "fit": {"model": model, "data": {"sids": f"{folder}/codes.parquet"}, "ckpt_path": f"{folder}/tiger.partial/m"}
    }


def stage(folder, name, ranks=None, skill=0.5, data_hash=HASH, metrics=None):
    """Write the folder of a stage as a run leaves it."""
    where = folder / name
    record = {"stage": name, "commit": "abc", "data_hash": data_hash, "config": config(skill, folder), "seed": 1}
    write_json(where / "provenance.json", record)
    write_json(where / "metrics.json", metrics or {})
    if ranks is not None:
        is_new = np.arange(len(ranks)) % 2 == 0
        columns = {"row": np.arange(len(ranks)), "user": USERS, "rank": ranks, "is_new": is_new}
        columns |= {"explore_rank": np.where(is_new, ranks, -1), "cold_rank": np.full(len(ranks), -1)}
        pq.write_table(pa.table(columns), where / "per_query.parquet")
    return where


@pytest.fixture
def runs(tmp_path):
    rng = np.random.default_rng(0)
    a, b = tmp_path / "a", tmp_path / "b"
    worse, better = rng.integers(1, 30, len(USERS)), rng.integers(1, 4, len(USERS))
    stage(a, "tiger", worse)
    stage(b, "tiger", better, skill=0.9)
    for folder in (a, b):
        stage(folder, "counted", worse, metrics={"test/mrr@10": 0.1})
    stage(a, "align", metrics={"after/purity@5": 0.5, "same": 1.0})
    stage(b, "align", metrics={"after/purity@5": 0.75, "same": 1.0})
    stage(a, "only_here")
    return a, b, worse, better


def test_differences_are_those_of_the_means_over_users_queries(runs):
    a, b, worse, better = runs
    table = next(t for t in RunComparison.read(a, b).users() if t.title == "tiger")
    reciprocal = [np.where(ranks <= 10, 1 / ranks, 0.0) for ranks in (worse, better)]
    gap, low, high, p = table.difference("mrr@10")
    assert gap == pytest.approx(reciprocal[1].mean() - reciprocal[0].mean())
    assert low < gap < high
    assert 0 < p < 0.05
    new = np.arange(len(USERS)) % 2 == 0
    assert table.difference("explore/hit@1")[0] == pytest.approx(
        ((better == 1)[new]).mean() - ((worse == 1)[new]).mean()
    )


def test_settings_that_differ_are_named_once_and_paths_of_the_run_do_not_count(runs):
    a, b, *_ = runs
    changes = RunComparison.read(a, b).changes(of_code=False)
    assert changes == {("model.skill", "0.5", "0.9"): ["tiger"]}
    assert RunComparison.read(a, b).changes(of_code=True) == {}
    changed = {("model.skill", "0.5", "0.9"): ["tiger"]}
    assert RunComparison.read(a / "tiger", b / "tiger").changes(of_code=False) == changed


def test_what_is_printed_fits_80_columns(runs, capsys):
    a, b, *_ = runs
    main(["compare", str(a), str(b)])
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines() if str(a.parent) not in line) <= 80
    for words in (
        "model.skill  (tiger)",
        "The same for every user: counted",
        "Stages of A only: only_here",
        "after/purity@5",
    ):
        assert words in text
    tables = text.partition("MRR@10")[2].splitlines()[0]
    assert tables.rstrip().endswith("*")
    assert "same  " not in text


def test_one_stage_against_another(runs):
    a, *_ = runs
    found = RunComparison.read(a / "tiger", a / "counted")
    assert [table.title for table in found.users()] == ["tiger (A), counted (B)"]
    assert next(found.users()).is_equal


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("nowhere", "nowhere: no such run; name the folder of one"),
        ("empty", r"empty: not a run; no provenance.json of `lgsid run` or `lgsid fit` is in it"),
        (
            "elsewhere",
            r"elsewhere: is of another dataset or split \(data hash 88888888\) than .*a \(data hash 77777777\)",
        ),
        ("strange", "strange: has no stage that .*a has"),
    ],
)
def test_refused(runs, tmp_path, other, message):
    a, _, worse, _ = runs
    (tmp_path / "empty").mkdir()
    stage(tmp_path / "elsewhere", "tiger", worse, data_hash="8" * 64)
    stage(tmp_path / "strange", "unknown", worse)
    with pytest.raises(LgsidError, match=message):
        RunComparison.read(a, tmp_path / other)


def test_other_queries_of_the_same_data_are_refused(runs, tmp_path):
    a, _, worse, _ = runs
    stage(tmp_path / "c", "tiger", worse)
    path = tmp_path / "c" / "tiger" / "per_query.parquet"
    pq.write_table(pq.read_table(path).slice(0, 30), path)
    with pytest.raises(LgsidError, match="was measured on other queries"):
        list(RunComparison.read(a, tmp_path / "c").users())
