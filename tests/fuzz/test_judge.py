"""The trial notices what it is there for: each kind of failure, made on purpose, gets its verdict."""

import os
import time

import pytest

from fuzz import SEAMS, cases
from fuzz.case import Case
from fuzz.child import Seen, in_child
from fuzz.judge import verdict_of
from trial.outcome import BAD, Outcome
from trial.table import INPUT_COLUMNS, counted, markdown

LINE = "lgsid: error: bad.csv: row 7 is odd"
REFUSING = Case("x", (), names=("bad.csv",))
EITHER = Case("x", (), expect="either")


@pytest.mark.parametrize(
    ("case", "seen", "verdict"),
    [
        (REFUSING, Seen(2, "", LINE), "refused"),
        (EITHER, Seen(0, "fine", ""), "read right"),
        (REFUSING, Seen(0, "fine", ""), "silent error"),
        (EITHER, Seen(0, "fine", "", problem="p1 is elsewhere"), "silent error"),
        (Case("x", (), expect="read"), Seen(2, "", LINE), "wrongly refused"),
        (REFUSING, Seen(2, "", f"a warning\n{LINE}"), "many lines"),
        (REFUSING, Seen(2, "", "lgsid: error: something is odd"), "many lines"),
        (REFUSING, Seen(2, "", "odd"), "many lines"),
        (REFUSING, Seen(2, "", LINE, new=("out/half.parquet",)), "leftovers"),
        (Case("x", (), keeps=("out/*",)), Seen(2, "", LINE, new=("out/whole.parquet",)), "refused"),
        (EITHER, Seen(None, "", "Traceback (most recent call last):\nKeyError"), "traceback"),
        (EITHER, Seen(1, "", "died"), "traceback"),
        (EITHER, Seen(died="the process ended with -11"), "traceback"),
        (EITHER, Seen(died="hang"), "hang"),
        (REFUSING, Seen(2, "", LINE, escaped=("escaped",)), "executed"),
        (REFUSING, Seen(2, "", LINE, new=("executed",)), "executed"),
        (EITHER, Seen(0, "\x1b[31mred", ""), "executed"),
    ],
)
def test_verdicts(case, seen, verdict):
    assert verdict_of(case, seen)[0] == verdict


def test_a_child_that_ends_or_never_ends_is_noticed():
    assert in_child(lambda: os._exit(3)).died == "the process ended with 3"
    assert in_child(lambda: time.sleep(60), limit_s=0.2).died == "hang"
    assert "ZeroDivisionError" in in_child(lambda: 1 / 0).died
    assert in_child(lambda: Seen(code=7)) == Seen(code=7, new=[], escaped=[])


def test_the_table_counts_distinct_inputs():
    verdicts = [("refused", "a"), ("refused", "b"), ("refused", "b"), ("hang", "c")]
    rows = counted([Outcome("tables", f"{n}", v, "", d) for n, (v, d) in enumerate(verdicts)], INPUT_COLUMNS)
    assert (rows[0]["inputs"], rows[0]["refused"], rows[0]["hang"], rows[0]["traceback"]) == (3, 2, 1, 0)
    assert "| all " in markdown(rows, INPUT_COLUMNS, "", "inputs")
    assert set(BAD) >= set(INPUT_COLUMNS) - {"refused", "read right"}


@pytest.mark.parametrize("seam", [seam for seam in SEAMS if seam != "checkpoints"])
def test_a_seed_gives_the_same_cases(seam):
    first, again, other = (cases(seam, seed, 500) for seed in (1, 1, 2))
    assert [(c.name, c.command) for c in first] == [(c.name, c.command) for c in again]
    assert len({c.name for c in first}) == len(first)
    assert len(other) == len(first)
