"""Judge mutants room by room and print the table: `make mutants`; ARGUMENTS="--only functional --most 500 --write".

Each room goes on where it was stopped. mutmut leaves decorated functions alone, other than static and class methods;
the texts of errors and warnings are left alone as well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from mutation.room_run import ROOT, RoomRun
from mutation.rooms import ROOMS

RESULT = ROOT / "benchmarks" / "results" / "mutants" / "mutants.json"
EXPLAINED = ROOT / "tests" / "mutation" / "explained.yaml"
COLUMNS = ("mutants", "judged", "killed", "timeout", "survived", "no tests", "explained", "score")


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for."""
    options = parser().parse_args(words)
    explained = {
        (one["function"], one["was"], one["becomes"]): one["why"] for one in yaml.safe_load(EXPLAINED.read_text()) or ()
    }
    rows = []
    for name in options.only or ROOMS:
        run = RoomRun(name, ROOMS[name], options.seed, options.most)
        if not options.table:
            run.run(options.processes)
        rows.append(counted(run, explained))
    print(table(rows))
    for row in rows:
        for one in row["survivors"]:
            if not one["why"]:
                print(f"{one['verdict']}: {one['function']}: {one['was']}  ->  {one['becomes']}")
    if options.write:
        write(rows)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    made = argparse.ArgumentParser(prog="mutation", description=__doc__)
    made.add_argument("--only", action="append", choices=ROOMS, help="only this room (repeatable)")
    made.add_argument("--most", type=int, help="judge a sample of this many mutants of each room; all by default")
    made.add_argument("--seed", type=int, default=20, help="random seed of the sample")
    made.add_argument("--processes", type=int, default=1, help="mutants judged at the same time")
    made.add_argument("--table", action="store_true", help="only count what is there")
    made.add_argument("--write", action="store_true", help=f"write {RESULT.relative_to(ROOT)}")
    return made


def counted(run: RoomRun, explained: Mapping[tuple[str, str, str], str]) -> dict[str, Any]:
    """Count the mutants of a room. The score is the share of killed and timed out among judged less explained ones."""
    judged = [mutant for mutant in run.sample() if mutant.verdict != "not checked"]
    verdicts = Counter(mutant.verdict for mutant in judged)
    alive = sorted((m for m in judged if m.verdict in ("survived", "no tests")), key=lambda m: m.name)
    survivors = [
        {
            "function": m.function,
            "verdict": m.verdict,
            "was": was,
            "becomes": new,
            "why": explained.get((m.function, was, new)),
        }
        for m, was, new in run.changes(alive)
    ]
    known = sum(one["why"] is not None for one in survivors)
    noticed = verdicts["killed"] + verdicts["timeout"]
    return {
        "room": run.name,
        "mutants": len(run.all()),
        "judged": len(judged),
        **{verdict: verdicts[verdict] for verdict in ("killed", "timeout", "survived", "no tests")},
        "explained": known,
        "score": round(noticed / (len(judged) - known), 4) if len(judged) > known else None,
        "seed": run.seed,
        **run.about(),
        "survivors": survivors,
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the counts as a Markdown table."""
    lines = [["room", *COLUMNS], *([row["room"], *(str(row[column]) for column in COLUMNS)] for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    cells = [f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines]
    return "\n".join([cells[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *cells[1:]])


def write(rows: Sequence[dict[str, Any]]) -> None:
    """Write the figures. Rooms that did not run keep those that they had."""
    old = json.loads(RESULT.read_text())["rooms"] if RESULT.is_file() else []
    found = {row["room"]: row for row in old} | {row["room"]: row for row in rows}
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"rooms": [found[name] for name in ROOMS if name in found]}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
