"""Run the hostile trial and print its table: `make fuzz` for bad input, `make trial` for faults as well."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import faults
import fuzz
from trial.outcome import Outcome
from trial.table import FAULT_COLUMNS, INPUT_COLUMNS, counted, failures, markdown

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "benchmarks" / "results" / "robustness" / "trial.json"


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit code is 1 if something came to what it should not."""
    options = parser().parse_args(words)
    found: dict[str, list[Outcome]] = {"inputs": [], "faults": []}
    groups = {"inputs": fuzz.FAMILIES, "faults": faults.FAMILIES}
    for group, families in groups.items():
        for name, family in families.items():
            if (options.only and name not in options.only) or (options.inputs and group == "faults"):
                continue
            start = time.monotonic()
            outcomes = []
            for outcome in family(options.seed, options.count):
                outcomes.append(outcome)
                if not outcome.is_good:
                    say(f"{outcome.verdict}: {name}: {outcome.case}: {outcome.detail[-options.detail :]}")
            found[group] += outcomes
            say(f"{name}: {len(outcomes)} in {time.monotonic() - start:.0f} s")
    print("\n" + tables(found))
    if options.write:
        write(found, options.seed)
    return int(any(failures(outcomes) for outcomes in found.values()))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    made = argparse.ArgumentParser(prog="trial", description=__doc__)
    made.add_argument("--seed", type=int, default=fuzz.USUAL_SEED, help="random seed of all inputs and faults")
    made.add_argument("--count", type=int, help="inputs, or runs, of each family; the usual number by default")
    made.add_argument("--only", action="append", metavar="FAMILY", help="only this family (repeatable)")
    made.add_argument("--inputs", action="store_true", help="leave the faults out")
    made.add_argument("--detail", type=int, default=400, help="characters of what is shown of a failure")
    made.add_argument("--write", action="store_true", help=f"write {RESULT.relative_to(ROOT)}")
    return made


def tables(found: dict[str, list[Outcome]]) -> str:
    """Return both tables."""
    inputs = markdown(counted(found["inputs"], INPUT_COLUMNS), INPUT_COLUMNS, "bad input", "inputs")
    runs = markdown(counted(found["faults"], FAULT_COLUMNS), FAULT_COLUMNS, "faults", "runs")
    return "\n\n".join(part for part in (inputs, runs) if part)


def write(found: dict[str, list[Outcome]], seed: int) -> None:
    """Write the figures. Families that did not run keep those that they had."""
    old: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    result: dict[str, Any] = {}
    for group, columns in (("inputs", INPUT_COLUMNS), ("faults", FAULT_COLUMNS)):
        about = {"seed": seed, "commit": commit(), "date": datetime.now(tz=timezone.utc).date().isoformat()}
        rows = {row["family"]: {**row, **about} for row in counted(found[group], columns)}
        before = {row["family"]: row for row in old.get(group, [])}
        known = fuzz.FAMILIES if group == "inputs" else faults.FAMILIES
        result[group] = [row for name in known if (row := rows.get(name, before.get(name)))]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


def commit() -> str:
    """Return the commit that was tried."""
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def say(line: str) -> None:
    """Print a line at once."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.exit(code)
