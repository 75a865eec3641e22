"""The leaderboard as Markdown, cell by cell."""

from types import SimpleNamespace

import pytest

from lgsid.benchmark.markdown_tables import END, START, board_note, board_table, markdown, with_tables

WHOLE = SimpleNamespace(key="")
WAITING = {"name": "w", "title": "Later"}


def column(key, title, digits, higher=True, part=WHOLE):
    return SimpleNamespace(key=key, title=title, metric=SimpleNamespace(digits=digits, higher=higher), part=part)


def suite(higher=True, primaries=("hit",)):
    new = SimpleNamespace(key="new/", title="new places", help="Queries of new places.")
    columns = {
        "hit": column("hit", "hit@5", 2, higher),
        "km": column("km", "median km", 1, False),
        "other": column("other", "never measured", 3),
        "new/hit": column("new/hit", "new hit@5", 2, part=new),
    }
    task = SimpleNamespace(
        title_of=lambda key: columns[key].title,
        metric_column=lambda key: columns[key],
        table=lambda key: [one for name, one in columns.items() if name not in key],
    )
    return SimpleNamespace(name="little", task=task, seeds=(3, 5), primaries=primaries, primary=primaries[0])


BOARD = {
    "title": "A*b",
    "facts": [["places", 12], ["data hash", "abc"], ["users", 7]],
    "baseline": "base",
    "methods": [
        {"name": "none", "against": None, "title": "None", "role": "", "values": {}},
        {
            "name": "b",
            "against": None,
            "title": "Bee",
            "role": "ours",
            "values": {"hit": [0.5, 0.25, 0.75], "km": [2.0, None, None]},
        },
        {"name": "base", "against": None, "title": "Ba*se", "role": "baseline", "values": {"hit": [0.25, None, None]}},
        {
            "name": "a",
            "against": None,
            "title": "Aye",
            "role": "ours",
            "values": {"hit": [0.5, 0.4, 0.6], "km": [1.25, 1.0, 2.0]},
        },
        {"name": "far", "against": None, "title": "Far", "role": "", "values": {"hit": [0.75, None, None]}},
    ],
    "differences": {
        "hit": {
            "base": {
                "a": [0.25, 0.125, 0.375, 0.001, 0.049],
                "b": [0.25, 0.0, 0.5, 0.06, 0.06],
                "far": [0.5, None, None, None, None],
            },
            "a": {"base": [-0.25, -0.375, -0.125, 0.001, 0.049]},
        }
    },
}


def test_methods_stand_in_the_order_of_the_primary_metric_with_intervals_and_stars():
    table = board_table(suite(), BOARD)
    assert table.header == ("method", "", "hit@5", "difference", "median km")
    assert table.text_columns == 2
    assert table.rows == (
        ("Far", "", "0.75", "+0.50", "-"),
        ("Aye", "ours", "0.50 (0.40 to 0.60)", "+0.25 (+0.12 to +0.38)*", "1.2"),
        ("Bee", "ours", "0.50 (0.25 to 0.75)", "+0.25 (+0.00 to +0.50)", "2.0"),
        ("Ba*se", "baseline", "0.25", "", "-"),
        ("None", "", "-", "", "-"),
    )


def test_of_a_metric_that_should_be_low_the_least_is_first():
    methods = [row[0] for row in board_table(suite(higher=False), BOARD).rows]
    assert methods == ["Ba*se", "Aye", "Bee", "Far", "None"]


def test_a_board_says_what_it_compares():
    assert board_note(suite(), BOARD) == (
        "Difference: hit@5 minus that of Ba\\*se, paired; \\* where p < 0.05 after Holm's correction over all"
        " differences of the table. Seeds: 3, 5."
    )
    without = {**BOARD, "differences": {}}
    assert {row[3] for row in board_table(suite(), without).rows} == {""}


def test_a_row_is_compared_with_its_own_beside_the_baseline():
    """Its p is one of the family: .02 is below .05 alone, and twice .03 is not."""
    methods = [{**m, "against": "b" if m["name"] == "a" else None} for m in BOARD["methods"]]
    own = {
        **BOARD["differences"]["hit"],
        "b": {"a": [0.125, 0.0, 0.25, 0.03, 0.03], "far": [9.0, 8.0, 9.5, 0.001, 0.001]},
    }
    board = {**BOARD, "methods": methods, "differences": {"hit": own}}
    table = board_table(suite(), board)
    assert table.header == ("method", "", "hit@5", "difference", "from its own", "median km")
    assert {row[0]: row[3:5] for row in table.rows} == {
        "Far": ("+0.50", ""),
        "Aye": ("+0.25 (+0.12 to +0.38)*", "+0.12 (+0.00 to +0.25)"),
        "Bee": ("+0.25 (+0.00 to +0.50)", ""),
        "Ba*se": ("", ""),
        "None": ("", ""),
    }
    own["b"]["a"][3] = 0.02
    assert board_table(suite(), board).rows[1][4] == "+0.12 (+0.00 to +0.25)*"
    assert "all differences of the table. From its own: Aye from Bee. Seeds" in board_note(suite(), board)


def test_of_several_primary_metrics_each_has_its_differences_and_all_are_one_family():
    """Of p .001, .02, .03 and .04 only .001 is left: .02 times 3 is above .05."""
    known = {"base": {"a": [0.25, 0.125, 0.375, 0.001, 0.002], "b": [0.25, 0.0, 0.5, 0.04, 0.04]}}
    new = {"base": {"a": [0.1, 0.05, 0.15, 0.02, 0.04], "b": [0.2, 0.1, 0.3, 0.03, 0.04]}}
    values = {"a": [0.2, 0.1, 0.3], "b": [0.3, 0.2, 0.4], "base": [0.1, None, None]}
    methods = [
        {**m, "values": {**m["values"], **({"new/hit": values[m["name"]]} if m["name"] in values else {})}}
        for m in BOARD["methods"]
    ]
    board = {**BOARD, "methods": methods, "differences": {"hit": known, "new/hit": new}}
    both = suite(primaries=("hit", "new/hit", "other"))
    table = board_table(both, board)
    assert table.header == ("method", "", "hit@5", "difference", "new hit@5", "difference", "median km")
    assert {row[0]: row[3:6] for row in table.rows[1:3]} == {
        "Aye": ("+0.25 (+0.12 to +0.38)*", "0.20 (0.10 to 0.30)", "+0.10 (+0.05 to +0.15)"),
        "Bee": ("+0.25 (+0.00 to +0.50)", "0.30 (0.20 to 0.40)", "+0.20 (+0.10 to +0.30)"),
    }
    assert board_note(both, board).startswith("Difference: hit@5 and new hit@5 minus that of")
    assert board_note(both, board).endswith("Seeds: 3, 5. New places: queries of new places.")
    assert "never measured" not in board_note(both, board)


def test_all_suites_and_boards_are_there_in_their_order():
    view = {"name": "s", "title": "One*1", "description": "What.", "interval": "95 %.", "boards": [BOARD, BOARD]}
    bare = {"name": "s", "title": "Two", "description": "", "interval": "99 %.", "boards": []}
    view, bare = {**view, "progress": "All 9 cells have run."}, {**bare, "progress": "2 of 9 cells have run."}
    progress = [{"name": "s", "title": "One*1", "results": 9, "cells": 9}, {**WAITING, "results": 2, "cells": 132}]
    found = markdown({"suites": [view, bare], "progress": progress}, {"s": suite()})
    table = (
        "| suite |  | cells that have run |\n| --- | --- | ---: |\n| s | One\\*1 | 9 of 9 |\n| w | Later | 2 of 132 |"
    )
    board = [
        "**A\\*b** (12 places, 7 users)",
        board_table(suite(), BOARD).markdown_rows(),
        board_note(suite(), BOARD),
    ]
    first = ["### One\\*1", "What.", "`lgsid benchmark run little`. All 9 cells have run. 95 %.", *board, *board]
    last = ["### Two", "`lgsid benchmark run little`. 2 of 9 cells have run. 99 %."]
    assert found == "\n\n".join([table, *first, *last]) + "\n"
    assert markdown({"suites": [bare], "progress": progress[:1]}, {"s": suite()}) == "\n\n".join(last) + "\n"


@pytest.mark.parametrize("tables", ["| a |\n", "back \\1 slash \\g<0>\n"])
def test_tables_replace_what_is_between_the_marks_and_nothing_else(tables):
    body = f"{START}\n\n{tables}\n{END}"
    assert with_tables("Some text\n", tables) == f"# Leaderboard\n\n{body}\n"
    old = f"before\n{START}\nold\n\nlines\n{END}\nafter\n{START}\nkept\n{END}\n"
    new = with_tables(old, tables)
    assert new == f"before\n{body}\nafter\n{START}\nkept\n{END}\n"
    assert with_tables(new, tables) == new
