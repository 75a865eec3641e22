"""Result files of benchmarks: changed by hand, damaged, of another place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzz.case import Case
from fuzz.mutations import changed_bytes, changed_tree

COMMITTED = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
PLACE = Path("next_place") / "foursquare_nyc.temporal"
FILES = ("Popularity.any.json", "MostRecent.any.json", "lgsid.2027.json")
CHECK = ("benchmark", "check", "bad.json", "--results=results")
REPORT = ("benchmark", "report", "next_place", "--results=results", "--output=out")


def cases(rng: Random) -> Iterator[Case]:
    """Yield the cases: those that are spelt out, then changed files without an end."""
    yield Case("good-report", REPORT, lambda folder: copied(folder), "read", page_is_there)
    for number, raw in enumerate(
        (
            b"",
            b"null",
            b"[]",
            b"{}",
            b"1",
            b"{",
            b"\xff\xfe",
            b'{"schema": 1}',
            b'{"schema": 2}',
            b'{"schema": null}',
            b"[" * 100000,
            b'{"a": 1, "a": 2}',
            b"NaN",
        )
    ):
        yield Case(f"check-other-{number}", CHECK, alone(lambda _, raw=raw: raw), names=("may not enter",))
        yield Case(
            f"report-other-{number}", REPORT, replaced(rng.choice(FILES), lambda _, raw=raw: raw), names=("results/",)
        )
    for name in FILES:
        yield Case(
            f"report-without-{name}",
            REPORT,
            lambda f, n=name: (copied(f), (f / "results" / PLACE / n).unlink()),
            names=(name.partition(".")[0],),
        )
    swapped = lambda folder: (
        copied(folder),
        shutil.copy(COMMITTED / PLACE / FILES[0], folder / "results" / PLACE / FILES[1]),
    )
    yield Case("report-swapped", REPORT, swapped, names=("results/",))
    for number, change in enumerate(
        (
            lambda tree: {**tree, "metrics": dict.fromkeys(tree["metrics"], 1.0)},
            lambda tree: {**tree, "seed": 1},
            lambda tree: {**tree, "dataset": {**tree["dataset"], "places": 1}},
            lambda tree: {**tree, "extra": 1},
        )
    ):
        edited = lambda raw, change=change: json.dumps(change(json.loads(raw))).encode()
        yield Case(f"check-edited-{number}", CHECK, alone(edited), names=("may not enter",))
        yield Case(f"report-edited-{number}", REPORT, replaced(FILES[0], edited), names=("results/",))
    yield Case("check-nothing", ("benchmark", "check"))
    yield Case("check-folder", ("benchmark", "check", "shared", "--results=results"))
    number = 0
    while True:
        seed = rng.random()
        if number % 2:
            how = lambda raw, seed=seed: changed_bytes(raw, Random(seed))
        else:
            how = lambda raw, seed=seed: json.dumps(changed_tree(json.loads(raw), Random(seed))[0]).encode()
        if number % 5:
            yield Case(f"check-{number}", CHECK, alone(how), "either", not_entered)
        else:
            name = FILES[number // 5 % 3]
            yield Case(f"report-{number}", REPORT, replaced(name, how), "either", same_content(name))
        number += 1


def copied(folder: Path) -> None:
    """Copy the committed results of one board."""
    (folder / "results").mkdir()
    shutil.copytree(COMMITTED / PLACE, folder / "results" / PLACE)
    shutil.copy(COMMITTED / "definitions.json", folder / "results")


def replaced(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Return what copies the results and changes one of them."""

    def make(folder: Path) -> None:
        copied(folder)
        path = folder / "results" / PLACE / name
        path.write_bytes(change(path.read_bytes()))

    return make


def alone(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Return what writes one changed result."""

    def make(folder: Path) -> None:
        (folder / "results").mkdir()
        shutil.copy(COMMITTED / "definitions.json", folder / "results")
        (folder / "bad.json").write_bytes(change((COMMITTED / PLACE / FILES[0]).read_bytes()))

    return make


def same(one: bytes, other: bytes) -> bool:
    """Tell whether two files hold the same values, no key twice."""
    pairs: Any = lambda found: found
    return json.loads(one, object_pairs_hook=pairs) == json.loads(other, object_pairs_hook=pairs)


def not_entered(folder: Path, printed: str) -> str | None:
    """Only a file that says what the committed one says may enter."""
    original = (COMMITTED / PLACE / FILES[0]).read_bytes()
    return None if same((folder / "bad.json").read_bytes(), original) else f"entered: {printed[:200]}"


def same_content(name: str) -> Callable[[Path, str], str | None]:
    """Return what looks whether a report was made of a file that says something else."""

    def check(folder: Path, printed: str) -> str | None:
        changed = (folder / "results" / PLACE / name).read_bytes()
        if not same(changed, (COMMITTED / PLACE / name).read_bytes()):
            return "a changed result went into the report"
        return page_is_there(folder, printed)

    return check


def page_is_there(folder: Path, _: str) -> str | None:
    """Look for the page and the tables."""
    missing = [name for name in ("README.md", "leaderboard.html") if not (folder / "out" / name).is_file()]
    return f"{missing[0]} is missing" if missing else None
