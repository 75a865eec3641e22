"""Say what came of an input: the rules by which every seam is judged."""

from __future__ import annotations

import fnmatch
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from fuzz.case import Case
from fuzz.child import Seen, in_child, run_command
from fuzz.shared import preload, shared_folder
from trial.outcome import Outcome, Verdict

PREFIX = "lgsid: error: "
DEEP = "a/b/c/work"  # a name such as ../../../escaped still ends in a folder that is watched
CANARY = "executed"  # what a hostile input tries to write, see `fuzz.malicious_checkpoints`


def outcomes(family: str, cases: Iterable[Case]) -> Iterator[Outcome]:
    """Run cases, each in a child and a folder of its own, and judge them."""
    preload()
    shared = shared_folder()
    for case in cases:
        yield judged(family, case, seen_of(case, shared))


def seen_of(case: Case, shared: Path) -> Seen:
    """Run one case."""
    with tempfile.TemporaryDirectory(prefix="lgsid-fuzz-", ignore_cleanup_errors=True) as name:
        watched = Path(name).resolve()
        folder = watched / DEEP
        folder.mkdir(parents=True)
        (folder / "shared").symlink_to(shared)
        return in_child(lambda: run_command(folder, watched, case.make, case.command, case.check))


def judged(family: str, case: Case, seen: Seen) -> Outcome:
    """Return the outcome of a case."""
    verdict, detail = verdict_of(case, seen)
    return Outcome(family, case.name, verdict, detail, seen.digest)


def verdict_of(case: Case, seen: Seen) -> tuple[Verdict, str]:
    """Return what a case came to, and what shows it."""
    said = seen.stderr.strip()
    if seen.died == "hang":
        return "hang", "no answer in time"
    if seen.died:
        return "traceback", seen.died[-800:]
    if seen.escaped:
        return "executed", f"written outside the folder: {', '.join(seen.escaped[:5])}"
    if any(Path(name).name == CANARY for name in seen.new):
        return "executed", "the input ran code"
    if "\x1b" in seen.stdout + seen.stderr:
        return "executed", "an escape code reaches the terminal"
    if seen.code is None or "Traceback (most recent call last)" in said or seen.code not in (0, 2):
        return "traceback", f"exit code {seen.code}: {said[-800:]}"
    return accepted(case, seen) if seen.code == 0 else refused(case, seen, said)


def accepted(case: Case, seen: Seen) -> tuple[Verdict, str]:
    """Judge a case that was read."""
    if case.expect == "refused":
        return "silent error", f"accepted; printed {seen.stdout[-300:]!r}"
    return ("silent error", seen.problem) if seen.problem else ("read right", "")


def refused(case: Case, seen: Seen, said: str) -> tuple[Verdict, str]:
    """Judge a case that was refused."""
    if case.expect == "read":
        return "wrongly refused", said
    lines = said.splitlines()
    if len(lines) != 1 or not lines[0].startswith(PREFIX):
        return "many lines", said[-800:]
    if case.names and not any(name in said for name in case.names):
        return "many lines", f"names none of {case.names}: {said}"
    left = [n for n in seen.new if not any(fnmatch.fnmatch(n, keep) for keep in case.keeps)]
    if left:
        return "leftovers", f"{', '.join(left[:5])} after {said}"
    return "refused", said.removeprefix(PREFIX)
