"""The table of a trial: one row a family, one column a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trial.outcome import BAD, Outcome

INPUT_COLUMNS = (
    *("refused", "read right", "traceback", "hang", "silent error"),
    *("many lines", "leftovers", "wrongly refused", "executed"),
)
FAULT_COLUMNS = ("nothing lost", "lost", "wrong accepted", "traceback", "hang")
TITLES = {
    "refused": "refused in one line",
    "traceback": "tracebacks",
    "hang": "hangs",
    "silent error": "silent errors",
    "many lines": "unclear lines",
    "executed": "executed or escaped",
}


def counted(outcomes: Iterable[Outcome], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Count outcomes by family and verdict. Of inputs that are the same to the byte only the first counts."""
    verdicts: dict[str, Counter[str]] = {}
    known: set[tuple[str, str]] = set()
    for one in outcomes:
        same = one.family, one.digest or one.case
        if same not in known:
            known.add(same)
            verdicts.setdefault(one.family, Counter())[one.verdict] += 1
    rows = []
    for family, found in verdicts.items():
        others = sorted(set(found) - set(columns))
        rows.append({"family": family, "inputs": found.total(), **{c: found[c] for c in (*columns, *others)}})
    return rows


def markdown(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], heading: str, runs: str) -> str:
    """Return counted families as a Markdown table with a line of sums."""
    if not rows:
        return ""
    keys = ("inputs", *columns)
    total = {"family": "all", **{key: sum(row.get(key, 0) for row in rows) for key in keys}}
    lines = [[heading, runs, *(TITLES.get(c, c) for c in columns)]]
    lines += [[row["family"], *(f"{row.get(key, 0):,}" for key in keys)] for row in (*rows, total)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    padded = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    cells = [f"| {' | '.join(line)} |" for line in padded]
    rule = f"|{'|'.join('-' * (w + 1) + ('-' if n == 0 else ':') for n, w in enumerate(widths))}|"
    return "\n".join([cells[0], rule, *cells[1:]])


def failures(outcomes: Iterable[Outcome]) -> list[str]:
    """Return a line for each outcome that should not be."""
    return [f"{o.verdict}: {o.family}: {o.case}: {o.detail}" for o in outcomes if o.verdict in BAD]
